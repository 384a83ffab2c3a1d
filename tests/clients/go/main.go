package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func item(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") == "13" {
		w.WriteHeader(503)
	}
}

func handler(kind string) http.Handler {
	if kind == "gin" {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		router.Use(otelgin.Middleware("gin"), gin.Recovery())
		router.GET("/items/:id", func(c *gin.Context) {
			if c.Param("id") == "13" {
				c.Status(503)
			}
		})
		return router
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", item)
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})
	if kind == "own" {
		// A router of its own, of which nobody tells anything.
		return otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner := http.NewServeMux()
			inner.HandleFunc("GET /items/{id}", item)
			inner.ServeHTTP(w, r.Clone(r.Context()))
		}), "server")
	}
	return otelhttp.NewHandler(mux, "server")
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	spans, err := autoexport.NewSpanExporter(ctx)
	check(err)
	reader, err := autoexport.NewMetricReader(ctx)
	check(err)
	provider := trace.NewTracerProvider(trace.WithBatcher(spans))
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	otel.SetTracerProvider(provider)
	otel.SetMeterProvider(meters)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	check(err)
	server := &http.Server{Handler: handler(os.Args[1])}
	go func() { _ = server.Serve(listener) }()
	fmt.Println("ready")
	<-ctx.Done()
	check(server.Shutdown(context.Background()))
	check(meters.Shutdown(context.Background()))
	check(provider.Shutdown(context.Background()))
}
