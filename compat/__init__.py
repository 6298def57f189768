"""Wire formats that Belfry has inherited: one folder each, no models, imported only by the list of URLs."""
