use axum::{extract::Path, http::StatusCode, routing::get, Router};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

async fn item(Path(id): Path<String>) -> StatusCode {
    if id == "13" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn serve(port: String) {
    let app = Router::new()
        .route("/items/{id}", get(item))
        .layer(OtelAxumLayer::default());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    println!("ready");
    let mut stop =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { stop.recv().await; })
        .await
        .unwrap();
}

fn main() {
    let spans = SpanExporter::builder().with_http().build().unwrap();
    let metrics = MetricExporter::builder().with_http().build().unwrap();
    let provider = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    opentelemetry::global::set_meter_provider(meters.clone());
    let counter = opentelemetry::global::meter("items").u64_counter("items").build();
    counter.add(1, &[]);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("axum"));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(layer.with_filter(LevelFilter::TRACE))
        .with(log.with_filter(LevelFilter::WARN))
        .init();
    tokio::runtime::Runtime::new().unwrap().block_on(serve(std::env::args().nth(1).unwrap()));
    provider.shutdown().unwrap();
    meters.shutdown().unwrap();
}
