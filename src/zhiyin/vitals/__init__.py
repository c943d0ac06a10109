"""态势:indicators of the district. Does not warn."""
