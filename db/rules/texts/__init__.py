"""The text of a message (S2, S7): how it is coded and cut into parts, and what it must not say.

For the panel (counter, preview, reasons) and the SMPP link (what goes out). A phone joins the parts again and shows one text.
"""
