"""Who somebody is: accounts, sessions, access tokens and the keys that sign them."""
