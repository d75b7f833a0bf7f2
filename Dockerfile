# Two images out of one build:
#   docker build --tag channelsync .                                  the product (the last stage, hence the default)
#   docker build --target simulators --tag channelsync-simulators .   an Autotask and a Channel Program to try it with
# Another image of Go, or one by its digest: --build-arg GO_IMAGE=golang:1.26-bookworm@sha256:...
ARG GO_IMAGE=golang:1.26-bookworm
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The version is read from the repository. A source tree without a complete one still builds, as version "devel".
RUN git rev-parse --git-dir >/dev/null 2>&1 || rm -rf .git
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/ \
    ./cmd/channelsync ./test/sim/autotask ./test/sim/channelprogram
# An empty directory that a new volume takes its owner from.
RUN mkdir /out/data && chown 65532:65532 /out/data && chmod 700 /out/data

FROM scratch AS simulators
COPY --from=build /out/autotask /out/channelprogram /
USER 65532:65532
EXPOSE 9090 8090
CMD ["/autotask", "--listen", "0.0.0.0:9090"]

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/channelsync /channelsync
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# Inside a container loopback is reached by nobody else, so the public listener takes every interface. The admin
# listener stays on loopback until it is told otherwise: beyond it TLS is wanted, or --admin-plaintext on purpose.
ENV CHANNELSYNC_DATA_DIR=/data \
    CHANNELSYNC_CALLBACK_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/channelsync", "healthcheck"]
ENTRYPOINT ["/channelsync"]
CMD ["serve"]
