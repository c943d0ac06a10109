"""The suite: promises kept over HTTP, MQTT and the browser."""
