"""监测预警:rules, derived series and warnings. Does not send anybody anywhere."""
