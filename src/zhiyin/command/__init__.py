"""联动指挥:cases with steps, owners and clocks. Does not sense."""
