"""Mails about somebody's account: sent whatever the person's preferences are, and neither kept here nor shown in the inbox.

What stands in one is asked of auth at the moment of sending, because it may carry a secret.
"""
