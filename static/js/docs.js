// Starts Swagger UI or Redoc, whichever page this is.
"use strict";

(() => {
  const swagger = document.getElementById("swagger");
  if (swagger) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", paint);
    paint();
    SwaggerUIBundle({
      url: swagger.dataset.document,
      domNode: swagger,
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      // Would ask a server of somebody else.
      validatorUrl: null,
    });
  }

  const redoc = document.getElementById("redoc");
  if (redoc) {
    // Its one image is a logo on a server of somebody else, which need not hear of our readers. React sets it in both ways.
    Object.defineProperty(HTMLImageElement.prototype, "src", { set() {} });
    HTMLImageElement.prototype.setAttribute = function (name, value) {
      if (name === "src") this.hidden = true;
      else Element.prototype.setAttribute.call(this, name, value);
    };
    Redoc.init(redoc.dataset.document, { hideDownloadButton: true }, redoc);
  }
})();
