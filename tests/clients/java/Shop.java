import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

class Shop {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(
        new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
    server.createContext("/items", exchange -> {
      boolean bad = exchange.getRequestURI().getPath().endsWith("13");
      exchange.sendResponseHeaders(bad ? 503 : 200, -1);
      exchange.close();
    });
    server.start();
    System.out.println("ready");
  }
}
