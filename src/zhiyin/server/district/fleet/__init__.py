"""The fleet: simulated devices of the field protocols, each with its own TCP connection.

Runs as a process of its own beside the district, and like it comes in by the front door only:
it registers its devices through the API, and then each speaks its protocol, waits for its
confirmation, and sends again what was not confirmed.
"""
