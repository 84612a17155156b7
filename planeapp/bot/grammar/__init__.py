"""How sentences become commands. Pure: no Django, no network, no clock; what is needed comes in as an argument."""
