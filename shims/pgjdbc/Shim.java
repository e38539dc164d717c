// pgjdbc over the shim contract.

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import org.json.JSONArray;
import org.json.JSONObject;
import org.postgresql.core.BaseConnection;

public final class Shim {
  private static final List<String> MODES =
      List.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full");
  private static final String PKCS8 = "PRIVATE KEY";

  private final List<String> negotiations = new ArrayList<>(List.of("postgres"));
  private final List<String> bindings = new ArrayList<>(List.of("prefer"));

  private Shim() throws SQLException {
    // Later releases take more. What a release does not know it ignores, so it is asked.
    DriverPropertyInfo[] infos = DriverManager.getDriver("jdbc:postgresql:").getPropertyInfo("jdbc:postgresql:", new Properties());
    Set<String> known = Arrays.stream(infos).map(info -> info.name).collect(Collectors.toSet());
    if (known.contains("sslNegotiation")) {
      negotiations.add("direct");
    }
    if (known.contains("channelBinding")) {
      bindings.addAll(List.of("disable", "require"));
    }
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    System.setOut(System.err);
    // The JVM asks the user database, not the environment, where the driver should look for its files.
    System.setProperty("user.home", System.getenv("HOME"));
    Shim shim = new Shim();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JSONObject request = new JSONObject(line);
      out.println(request.getString("type").equals("hello") ? shim.hello() : shim.result(request));
      out.flush();
    }
    System.exit(0);
  }

  /**
   * A login at a server of our own that says S and leaves. It loads the classes of a connection while nobody
   * waits: on a busy machine that takes longer than the driver's timeouts and the runner's deadline.
   */
  private static void warm() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread answering = new Thread(() -> {
        try (Socket socket = server.accept()) {
          socket.getInputStream().readNBytes(8);
          socket.getOutputStream().write('S');
          socket.getInputStream().read();
        } catch (IOException e) {
          System.err.println("warm: " + e);
        }
      });
      answering.setDaemon(true);
      answering.start();
      String host = server.getInetAddress().getHostAddress();
      String url = "jdbc:postgresql://" + host + ":" + server.getLocalPort() + "/-?sslmode=require&user=-&password=-&connectTimeout=5";
      DriverManager.getConnection(url).close();
    } catch (SQLException e) {
      System.err.println("warm, as it should end: " + e.getMessage());
    }
  }

  private JSONObject hello() throws Exception {
    warm();
    String version = DriverManager.getDriver("jdbc:postgresql:").getClass().getPackage().getImplementationVersion();
    return new JSONObject()
        .put("type", "hello")
        .put("contract", 1)
        .put("name", "pgjdbc")
        .put("version", version)
        .put("tls", SSLContext.getDefault().getProvider().getName() + " (Java " + System.getProperty("java.version") + ")")
        .put("supports", new JSONObject()
            .put("sslmode", MODES)
            .put("sslnegotiation", negotiations)
            // The other factory that the driver brings trusts the store of the JVM, not the system's.
            .put("sslrootcert", List.of("file"))
            .put("channel_binding", bindings)
            .put("hostaddr", true)
            .put("sslcert", true)
            .put("sslcrl", false)
            .put("cancel", true));
  }

  private JSONObject result(JSONObject request) throws IOException {
    JSONObject answer = new JSONObject().put("type", "result").put("id", request.get("id"));
    String reason = refusal(request);
    if (reason != null) {
      return answer.put("outcome", "unsupported").put("reason", reason);
    }
    Path key = null;
    List<String> notices = new ArrayList<>();
    try {
      Properties properties = properties(request);
      if (request.has("sslkey")) {
        key = pkcs8(Path.of(request.getString("sslkey")));
        properties.setProperty("sslkey", key.toString());
      }
      JSONArray rows = rows(request, properties, notices);
      return answer.put("outcome", "connected").put("tls", JSONObject.NULL).put("rows", rows);
    } catch (SQLException | IOException e) {
      String state = e instanceof SQLException ? ((SQLException) e).getSQLState() : null;
      String error = state != null ? state : e.getClass().getName();
      List<String> texts = new ArrayList<>();
      collect(e, texts);
      texts.addAll(notices);
      return answer.put("outcome", "failed")
          .put("error", new JSONObject().put("class", error).put("message", String.join("\n", texts)));
    } finally {
      if (key != null) {
        Files.delete(key);
      }
    }
  }

  private String refusal(JSONObject request) {
    for (String key : List.of("sslmode", "sslnegotiation", "channel_binding")) {
      List<String> known = key.equals("sslmode") ? MODES : key.equals("sslnegotiation") ? negotiations : bindings;
      if (request.has(key) && !known.contains(request.getString(key))) {
        return "no " + key + "=" + request.getString(key);
      }
    }
    if (request.optString("sslrootcert").equals("system")) {
      return "no sslrootcert=system";
    }
    return request.has("sslcrl") ? "no sslcrl" : null;
  }

  private static Properties properties(JSONObject request) {
    Properties properties = new Properties();
    // What the driver lets an application set for the way to a connection, the wait for an answer to SSLRequest
    // apart. loginTimeout would end a call that these had failed to end, and socketTimeout is for queries.
    properties.setProperty("connectTimeout", String.valueOf((request.getInt("timeout_ms") + 999) / 1000));
    properties.setProperty("sslResponseTimeout", String.valueOf(request.getInt("timeout_ms")));
    String[][] names = {
      {"user", "user"}, {"password", "password"}, {"sslmode", "sslmode"}, {"sslrootcert", "sslrootcert"},
      {"sslnegotiation", "sslNegotiation"}, {"channel_binding", "channelBinding"}, {"sslcert", "sslcert"},
    };
    for (String[] name : names) {
      if (request.has(name[0])) {
        properties.setProperty(name[1], request.getString(name[0]));
      }
    }
    if (request.has("hostaddr")) {
      properties.setProperty("socketFactory", ToAddress.class.getName());
      properties.setProperty("socketFactoryArg", request.getString("hostaddr"));
    }
    return properties;
  }

  private static JSONArray rows(JSONObject request, Properties properties, List<String> notices) throws SQLException {
    String database = URLEncoder.encode(request.getString("dbname"), StandardCharsets.UTF_8);
    String url = "jdbc:postgresql://" + request.getString("host") + ":" + request.getInt("port") + "/" + database;
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      for (SQLWarning warning = connection.getWarnings(); warning != null; warning = warning.getNextWarning()) {
        notices.add(warning.getMessage());
      }
      JSONArray rows = new JSONArray();
      try (Statement statement = connection.createStatement(); ResultSet set = statement.executeQuery(request.getString("query"))) {
        while (set.next()) {
          JSONArray row = new JSONArray();
          for (int column = 1; column <= set.getMetaData().getColumnCount(); column++) {
            row.put(set.getString(column));
          }
          rows.put(row);
        }
      }
      if (request.optString("then").equals("cancel")) {
        // What Statement.cancel() does while a query is at work.
        connection.unwrap(BaseConnection.class).cancelQuery();
      }
      return rows;
    }
  }

  /** The driver has long taken keys only as PKCS #8 in DER: an application converts what it has. */
  private static Path pkcs8(Path pem) throws IOException {
    String text = Files.readString(pem);
    String begin = "-----BEGIN " + PKCS8 + "-----";
    int start = text.indexOf(begin);
    int end = text.indexOf("-----END " + PKCS8 + "-----");
    if (start < 0 || end < start) {
      throw new IOException("no PKCS #8 key in " + pem);
    }
    Path key = Files.createTempFile("pgtls", ".pk8");
    return Files.write(key, Base64.getMimeDecoder().decode(text.substring(start + begin.length(), end)));
  }

  /** Every text in an exception: its own, those after it, those it suppressed, its causes. */
  private static void collect(Throwable thrown, List<String> texts) {
    if (thrown == null) {
      return;
    }
    texts.add(thrown.getMessage() != null ? thrown.getMessage() : thrown.getClass().getName());
    for (Throwable suppressed : thrown.getSuppressed()) {
      collect(suppressed, texts);
    }
    if (thrown instanceof SQLException) {
      collect(((SQLException) thrown).getNextException(), texts);
    }
    collect(thrown.getCause(), texts);
  }

  /** `hostaddr` by the driver's own means, a socket factory: its sockets connect to one address whatever the name. */
  public static final class ToAddress extends SocketFactory {
    private final String address;

    public ToAddress(String address) {
      this.address = address;
    }

    @Override
    public Socket createSocket() {
      return new Socket() {
        @Override
        public void connect(SocketAddress named, int timeout) throws IOException {
          super.connect(new InetSocketAddress(address, ((InetSocketAddress) named).getPort()), timeout);
        }
      };
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
      return new Socket(address, port);
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
      return new Socket(address, port, local, localPort);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
      return new Socket(address, port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
      return new Socket(address, port, local, localPort);
    }
  }
}
