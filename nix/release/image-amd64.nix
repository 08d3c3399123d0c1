# The image for amd64, as releases have it.
{ image }: image
