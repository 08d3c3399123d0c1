# The flake's image for those who have Docker but not Nix: the same files, labels and command. It is
# not identical to a release's, because its compilers, C library and shell differ.
ARG RUST_IMAGE=rust:1.97.1-alpine3.24
ARG BUSYBOX_IMAGE=busybox:1.37.0-musl

FROM $BUSYBOX_IMAGE AS busybox

FROM $RUST_IMAGE AS build
WORKDIR /source
COPY . .
# With --target, so that the flags do not apply to build scripts and macros.
RUN cargo install --locked --config musl/flags.toml --target "$(uname -m)-unknown-linux-musl" --path . --root /build
COPY --from=busybox /bin/busybox /image/bin/busybox
# Why three copies, and why 0755: see nix/packages/image.nix.
RUN set -eu; umask 022; cd /image; \
    mkdir -p go/bin usr/bin; \
    for name in build detect release; do \
      install -m 0755 /build/bin/fabric-ccs-builder go/bin/$name; \
    done; \
    ln -s ../../go/bin/detect usr/bin/fabric-ccs-builder; \
    for applet in chmod cp ls mkdir sh; do ln -s busybox bin/$applet; done

FROM scratch
COPY --from=build /image /
ENV PATH=/bin:/usr/bin
LABEL org.opencontainers.image.title="fabric-ccs-builder" \
      org.opencontainers.image.description="Hyperledger Fabric external builder for chaincode as a service that records what it copies" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://github.com/fabric-ccs-builder/fabric-ccs-builder" \
      org.opencontainers.image.licenses="Apache-2.0"
# The user that Fabric's operator runs peers as. Any other user will do, even root.
USER 7051:7051
CMD ["sh"]
