"""The SMPP link to the carrier and what is sent over it. Its first modules come with SMS."""
