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
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
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
  /**
   * How many requests are at work at a time: most of them may wait for a silent server, and yet a processor has
   * work; where the process dies, they are few enough to be asked again one by one.
   */
  private static final int CONCURRENCY = 16;
  /** How much text of one answer is told: a hostile server sends more than a line of the contract holds. */
  private static final int LONGEST = 1 << 16;

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
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CONCURRENCY; i++) {
      Thread thread = new Thread(() -> shim.serve(in, out));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.exit(0);
  }

  private void serve(BufferedReader in, PrintStream out) {
    try {
      while (true) {
        String line;
        synchronized (in) {
          line = in.readLine();
        }
        if (line == null) {
          return;
        }
        JSONObject request = new JSONObject(line);
        JSONObject answer = request.getString("type").equals("hello") ? hello() : result(request);
        synchronized (out) {
          out.println(answer);
          out.flush();
        }
      }
    } catch (Throwable thrown) {
      // What would end a program of one thread ends this one at once.
      thrown.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
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
            .put("cancel", true)
            .put("concurrency", CONCURRENCY));
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
    } catch (SQLException | IOException | RuntimeException e) {
      String state = e instanceof SQLException ? ((SQLException) e).getSQLState() : null;
      String error = state != null ? state : e.getClass().getName();
      List<String> texts = new ArrayList<>();
      collect(e, texts);
      texts.addAll(notices);
      return answer.put("outcome", "failed")
          .put("error", new JSONObject().put("class", error).put("message", cut(String.join("\n", texts), LONGEST)));
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
    if (request.has("fetch")) {
      // Binary from the first execution on, and not from the fifth.
      properties.setProperty("prepareThreshold", "-1");
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
      JSONArray rows;
      String query = request.getString("query");
      if (request.has("fetch")) {
        try (PreparedStatement statement = connection.prepareStatement(query); ResultSet set = statement.executeQuery()) {
          rows = rows(set, request.getJSONArray("fetch"));
        }
      } else {
        try (Statement statement = connection.createStatement(); ResultSet set = statement.executeQuery(query)) {
          rows = rows(set, new JSONArray());
        }
      }
      if (request.optString("then").equals("cancel")) {
        // What Statement.cancel() does while a query is at work.
        connection.unwrap(BaseConnection.class).cancelQuery();
      }
      return rows;
    }
  }

  /** The rows as texts, as far as a line of the contract takes them. */
  private static JSONArray rows(ResultSet set, JSONArray fetch) throws SQLException {
    int left = LONGEST;
    JSONArray rows = new JSONArray();
    while (set.next()) {
      JSONArray row = new JSONArray();
      for (int column = 1; column <= set.getMetaData().getColumnCount(); column++) {
        String type = fetch.optString(column - 1, null);
        String text = cut(String.valueOf(type == null ? set.getString(column) : value(set, column, type)), left);
        left = Math.max(left - text.length() - 1, 0);
        if (left > 0) {
          row.put(text);
        }
      }
      left = Math.max(left - 1, 0);
      if (left > 0) {
        rows.put(row);
      }
    }
    return rows;
  }

  /** A value by the type that the server announces, and then by the type that was asked for. */
  private static Object value(ResultSet set, int column, String type) throws SQLException {
    Object value = elements(set.getObject(column));
    if (value == null) {
      return null;
    }
    switch (type) {
      case "int2":
        return set.getShort(column);
      case "int4":
        return set.getInt(column);
      case "int8":
        return set.getLong(column);
      case "float4":
        return set.getFloat(column);
      case "float8":
        return set.getDouble(column);
      case "numeric":
        return set.getBigDecimal(column);
      case "bool":
        return set.getBoolean(column);
      case "bytea":
        return set.getBytes(column);
      case "timestamp":
        return set.getObject(column, LocalDateTime.class);
      case "timestamptz":
        return set.getObject(column, OffsetDateTime.class);
      case "date":
        return set.getObject(column, LocalDate.class);
      case "uuid":
        return set.getObject(column, UUID.class);
      case "int4[]":
      case "text[]":
        return elements(set.getArray(column));
      case "hstore":
        return value;
      default: // text, json, jsonb
        return set.getString(column);
    }
  }

  private static Object elements(Object value) throws SQLException {
    return value instanceof Array ? ((Array) value).getArray() : value;
  }

  private static String cut(String text, int length) {
    return text.substring(0, Math.min(text.length(), length));
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
  private static void collect(Throwable outermost, List<String> texts) {
    // Not by recursion: a server may send as many errors as it likes, and the driver chains them.
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Throwable> left = new ArrayDeque<>(List.of(outermost));
    while (!left.isEmpty()) {
      Throwable thrown = left.pop();
      if (!seen.add(thrown)) {
        continue;
      }
      texts.add(thrown.getMessage() != null ? thrown.getMessage() : thrown.getClass().getName());
      List<Throwable> parts = new ArrayList<>(List.of(thrown.getSuppressed()));
      if (thrown instanceof SQLException) {
        parts.add(((SQLException) thrown).getNextException());
      }
      parts.add(thrown.getCause());
      Collections.reverse(parts);
      parts.stream().filter(Objects::nonNull).forEach(left::push);
    }
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
