"""The words that decide: names of libraries, of wrappers, of guards, of files that say nothing."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


JAVA_LIBRARIES = """
    java javax jdk sun com.sun jakarta kotlin kotlinx scala akka groovy clojure android androidx
    dalvik org.springframework org.apache org.hibernate org.eclipse org.jboss org.wildfly
    org.aspectj org.codehaus org.junit org.mockito org.slf4j org.postgresql org.mariadb org.h2
    org.jooq org.mybatis org.redisson org.glassfish org.reactivestreams org.xerial org.quartz
    org.flywaydb org.liquibase org.bson org.json org.thymeleaf org.scala-lang org.jetbrains
    org.gradle org.infinispan org.xnio org.elasticsearch org.opensearch ch.qos.logback
    com.fasterxml com.google com.mysql com.mongodb com.zaxxer com.netflix com.amazonaws
    software.amazon com.microsoft com.azure com.oracle oracle com.ibm com.squareup com.rabbitmq
    com.typesafe com.twitter com.alibaba com.github.benmanes com.hazelcast com.datastax
    com.codahale io.netty io.grpc io.micrometer io.micronaut io.quarkus io.vertx io.undertow
    io.reactivex io.opentelemetry io.jsonwebtoken io.ktor io.lettuce io.dropwizard io.smallrye
    io.r2dbc io.confluent io.github.resilience4j okhttp3 okio retrofit2 reactor feign
    redis.clients net.sf net.bytebuddy net.logstash play.api play.core play.mvc play.utils cats
    zio rx lombok
"""
DOTNET_LIBRARIES = """
    System Microsoft Npgsql MySql MySqlConnector Newtonsoft Dapper Polly Serilog NLog
    StackExchange MediatR AutoMapper FluentValidation Grpc Google Azure Amazon MassTransit
    RabbitMQ Hangfire Quartz Castle Autofac Xunit NUnit OpenTelemetry Refit RestSharp Swashbuckle
    NHibernate MongoDB Confluent Oracle SqlClient Internal Interop Mono
"""
RUST_LIBRARIES = """
    std core alloc tokio tokio_util hyper hyper_util axum actix_web actix_rt actix_server
    actix_http tower tower_http tower_service futures futures_util futures_core tracing rocket
    warp sqlx diesel reqwest serde serde_json anyhow backtrace rayon test rust_begin_unwind
    rust_panic __libc_start_main __libc_start_call_main _start main __rust_begin_short_backtrace
"""
PHP_LIBRARIES = """
    Illuminate Symfony Laravel Doctrine Slim Laminas Zend GuzzleHttp Monolog Twig Psr Composer
    PHPUnit CodeIgniter Cake Yii yii Phalcon League OpenTelemetry Predis Ramsey Carbon Nette
"""
GO_STANDARD = _words("""
    archive arena bufio bytes cmp compress container context crypto database debug embed encoding
    errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path
    plugin reflect regexp runtime slices sort strconv strings structs sync syscall testing text time
    unicode unique unsafe vendor weak
""")
"""The first parts of Go's own packages."""
LIBRARIES = {
    "java": _words(JAVA_LIBRARIES),
    "dotnet": _words(DOTNET_LIBRARIES),
    "rust": _words(RUST_LIBRARIES),
    "php": _words(PHP_LIBRARIES),
}
"""Modules, each with all below it, that are no app's own code."""

WRAPPERS = _words("""
    wrapper _wrapper wrapped _wrapped wrapped_function wrapped_func decorated decorated_function
    decorated_view decorated_func _decorated decorator _decorator decorate inner _inner inner_func
    inner_function wrapped_view _wrapped_view view_wrapper async_wrapper sync_wrapper _wrap wrap
    new_func wrapped_f wrapping _inner_wrapper func_wrapper function_wrapper
""")
"""What Python programmers call the function that a decorator returns."""

GUARD_VERBS = _words("""
    must check require ensure assert invariant fail abort expect verify raise throw panic bail
""")
WEAK_VERBS = _words("check verify")
GUARD_WORDS = GUARD_VERBS | _words("""
    not none null nil empty blank positive negative that true false arg args argument arguments
    param parameter state error err exception if unless on valid or 404 403 500 get all is no eq
    equal equals condition value range in non with
""")
"""A function named by these words alone raises for its caller: `must`, `require_not_none`."""

HTTP_METHODS = _words("get post put patch delete head")
PASSED_ON = HTTP_METHODS | _words("""
    execute executemany executescript query queryone queryall fetch fetchone fetchall fetchval
    fetchrow fetchmany scalar scalars request requests send
    sendrequest dorequest call invoke exec urlopen rpc publish getjson postjson getasync postasync
    sendasync executeasync queryasync executequery executeupdate executebatch executereader
    executescalar executenonquery exchange
""")
"""Names of functions that hand a query or a request on to a library."""

GENERIC_FILES = _words("""
    __init__ __main__ views view models model api apis routes route urls forms form admin
    serializers serializer tasks task services service utils util helpers helper schemas schema
    signals handlers handler controllers controller resources resource base core common types
    exceptions errors crud db database endpoints managers permissions queries mutations resolvers
    repository repositories middleware decorators validators index page layout mod lib client impl
    jobs consumers selectors dependencies deps logic module store actions reducers hooks components
    main command commands dao daos consumer worker workers listener listeners subscribers events cli
    job processor factory adapter adapters gateway settings config constants server run
""")
"""Names that every package has: they mean something together with their folder only."""
ROOTS = _words("""
    app src code workspace dist build out lib current html htdocs public_html wwwroot root templates
    site work packages backend server function project projectroot
""")
"""Folders that apps are put into; what follows may be a package."""
CONTAINERS = _words("""
    srv opt home users var usr mnt data tmp www web sites apps projects repos git workspaces builds
    deploy deploys deployments releases volumes inetpub go
""")
"""Folders of which each folder within is an app, a release or a user."""
WORKPLACES = _words("src code dev documents desktop")
"""The same, in the folder of a user."""
