"""The link to Asterisk over AMI: call tracking, operators' legs, dialing and recordings."""
