"""Turn the packs' files into the list of sensors the district plays."""


def describe() -> None: ...


def start_of() -> None: ...
