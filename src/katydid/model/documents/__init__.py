"""The JSON documents that Katydid writes and reads, as types: their JSON Schemas are in docs/reference/schema. Pure."""
