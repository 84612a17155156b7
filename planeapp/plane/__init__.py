"""What knows Plane's wire shapes, and the only importer of plane-sdk: plain values and a token function in."""
