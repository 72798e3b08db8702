# The operator's image.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# Without the feature `playground`: no simulated environments, no control plane of their own.
RUN cargo build --release --locked --no-default-features

FROM debian:bookworm-slim
# The system's trust, for authorities whose certificate a public authority signed.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/target/release/codeupgrade /usr/local/bin/codeupgrade
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/codeupgrade"]
