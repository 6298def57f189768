"""Wire formats that Belfry has inherited: one folder each, no models, imported by nobody but the list of URLs."""
