"""The hot loops: the pure reference here, the native twin when it is installed and its interface number matches."""
