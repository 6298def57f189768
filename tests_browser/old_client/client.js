"use strict";

// What the pages of ndscheduler do: the login's cookie is read here, and every call is JSON below /api/v1.
const API = "/api/v1";
const FIELDS = ["month", "day", "day_of_week", "hour", "minute"];
const $ = (id) => document.getElementById(id);
let editing = null;

// Either base64 of the token, or six parts of which the fifth is <length>:<base64>.
function token() {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("token="));
  if (!cookie) return null;
  const value = cookie.slice("token=".length);
  if (!value.includes("|")) return atob(value);
  const parts = value.split("|");
  return parts.length === 6 ? atob(parts[4].slice(parts[4].indexOf(":") + 1)) : null;
}

function claims() {
  const raw = token();
  if (!raw) return null;
  const payload = raw.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (sign) => sign.charCodeAt(0))));
}

function forget() {
  document.cookie = "token=; Path=/; Max-Age=0";
  show();
}

async function call(method, path, body) {
  const answer = await fetch(API + path, {method, body: body && JSON.stringify(body)});
  if (answer.status === 401) {
    forget();
    throw new Error("logged out");
  }
  const data = await answer.json();
  if (!answer.ok || method !== "GET") $("error").textContent = answer.ok ? "" : (data.error.message || data.error);
  return answer.ok ? data : null;
}

function rows(id, items, text, actions = {}) {
  $(id).replaceChildren(...items.map((item) => {
    const row = document.createElement("li");
    row.append(text(item), " ");
    for (const [name, act] of Object.entries(actions)) {
      const button = document.createElement("button");
      button.textContent = name;
      button.onclick = async () => { await act(item); await refresh(); };
      row.append(button);
    }
    return row;
  }));
}

// What was chosen stays so.
function offer(choice, options) {
  const chosen = choice.value;
  choice.replaceChildren(...options);
  if (options.some((one) => one.value === chosen)) choice.value = chosen;
}

function range(seconds) {
  const end = new Date(), start = new Date(end - seconds * 1000);
  return `?time_range_start=${start.toISOString()}&time_range_end=${new Date(+end + 1000).toISOString()}`;
}

function edit(job) {
  editing = job.job_id;
  for (const name of ["name", "job_class_string", ...FIELDS]) $("job").elements[name].value = job[name];
  $("job").elements.pub_args.value = JSON.stringify(job.pub_args);
}

// One look after the other: a late answer must not put an old list over a new one.
let looked = Promise.resolve();
function refresh() {
  looked = looked.catch(() => {}).then(look);
  return looked;
}

async function look() {
  const {jobs} = await call("GET", "/jobs");
  const line = (job) => [job.name, ...FIELDS.map((name) => job[name]), job.next_run_time === "" ? "inactive" : "active"];
  rows("jobs", jobs, (job) => line(job).join(" | "), {
    Edit: edit,
    Pause: (job) => call("PATCH", `/jobs/${job.job_id}`),
    Resume: (job) => call("OPTIONS", `/jobs/${job.job_id}`),
    Run: (job) => call("POST", `/executions/${job.job_id}`),
    Delete: (job) => call("DELETE", `/jobs/${job.job_id}`),
  });
  const {executions} = await call("GET", "/executions" + range(600));
  rows("executions", executions, (run) => `${run.job ? run.job.name : "(deleted)"} ${run.state}`);
  const {logs} = await call("GET", "/logs" + range(86400));
  rows("logs", logs, (log) => `${log.user} ${log.event} ${log.job_name}`);
  const {categories} = await call("GET", "/categories");
  rows("categories", categories, (one) => `${one.id} ${one.name}`, {Remove: (one) => call("DELETE", `/categories/${one.id}`)});
  offer($("user").elements.category_id, categories.map((one) => new Option(one.name, one.id)));
  if (!claims()?.is_admin) return;
  const {users} = await call("GET", "/users");
  rows("users", users, (user) => `${user.username} ${user.category_id} ${user.is_permission}`, {
    Promote: (user) => call("PUT", `/users/${user.id}`, {is_permission: true}),
    Drop: (user) => call("DELETE", `/users/${user.id}`),
  });
}

async function show() {
  const me = claims();
  $("login").hidden = me !== null;
  $("app").hidden = me === null;
  $("who").textContent = me ? `${me.username} ${me.is_admin ? "admin" : "user"}` : "nobody";
  if (me && await call("GET", "/auth/verify")) await refresh();
}

function on(id, act) {
  $(id).onsubmit = async (event) => {
    event.preventDefault();
    await act(event.target.elements);
  };
}

on("login", async (fields) => {
  const body = {username: fields.username.value, password: fields.password.value};
  const answer = await fetch(API + "/auth/login", {method: "POST", body: JSON.stringify(body)});
  $("refusal").textContent = answer.ok ? "" : (await answer.json()).error;
  if (answer.ok) await show();
});
on("job", async (fields) => {
  const body = {name: fields.name.value, job_class_string: fields.job_class_string.value};
  body.pub_args = JSON.parse(fields.pub_args.value || "[]");
  for (const name of FIELDS) body[name] = fields[name].value;
  const saved = editing ? await call("PUT", `/jobs/${editing}`, body) : await call("POST", "/jobs", body);
  if (!saved) return;
  editing = null;
  await refresh();
});
on("category", async (fields) => { await call("POST", "/categories", {name: fields.name.value}); await refresh(); });
on("user", async (fields) => {
  const body = {username: fields.username.value, password: fields.password.value};
  body.category_id = fields.category_id.value || null;
  body.is_permission = fields.is_permission.checked;
  await call("POST", "/users", body);
  await refresh();
});
$("logout").onclick = forget;
const classes = JSON.parse($("jobs-meta-info").textContent);
$("job").elements.job_class_string.replaceChildren(...classes.map((one) => new Option(one.job_class_string)));
show();
