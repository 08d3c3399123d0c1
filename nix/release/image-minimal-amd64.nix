# The minimal image for amd64, as releases have it.
{ image-minimal }: image-minimal
