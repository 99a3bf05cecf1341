# Targets: service (the last one, so the default) is for deployments; mpcsim is the MPC
# simulator; demo is the service with a probe, for docker-compose.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t remux-retrier .

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
ENV GOCACHE=/cache/build GOMODCACHE=/cache/mod
# Dependencies first: this layer is reused while only our code changes.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/cache \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ . ./cmd/mpcsim

# Only the binary and the CA certificates: no shell, no packages to patch, no second
# registry. The uid is a number because there is no /etc/passwd, and because Kubernetes'
# runAsNonRoot needs a number.
FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
USER 65532:65532

FROM base AS mpcsim
COPY --from=build /out/mpcsim /mpcsim
EXPOSE 9090
ENV MPCSIM_ADDRESS=0.0.0.0:9090
ENTRYPOINT ["/mpcsim"]

# The service writes no file, so the root file system may be read-only. HTTP_ADDR is not
# a loopback address, because the platform's probes come from outside the container.
FROM base AS runtime
COPY --from=build /out/remux-retrier /remux-retrier
EXPOSE 8080
ENV HTTP_ADDR=0.0.0.0:8080
ENTRYPOINT ["/remux-retrier"]

# Kubernetes probes /healthz over the network. Compose can only run a command in the
# container, and the service's image has no other program.
FROM runtime AS demo
COPY --from=build /out/mpcsim /probe

FROM runtime AS service
