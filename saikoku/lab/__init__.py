"""The demo lab: real Asterisk instances (an office PBX and a carrier) on 127.0.0.1, for the demo and the tests."""
