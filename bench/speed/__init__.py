"""What Belfry costs beside the alternatives: ratios, both sides measured in one run, on servers of the bench's own."""
