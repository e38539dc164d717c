// The shim contract, version 1, for an asynchronous driver in Java: reading, refusing, answering in any order.

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.json.JSONArray;
import org.json.JSONObject;

/** Answers questions until standard input ends; each goes to the driver at once, whatever is at work already. */
final class Contract {
  /** Every sslmode of libpq. */
  static final List<String> MODES = List.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full");

  /** How much text of one answer is told: a hostile server sends more than a line of the contract holds. */
  private static final int LONGEST = 1 << 16;

  /** How long the end of standard input waits for what was asked, in seconds: the timeouts are shorter. */
  private static final int LAST_ANSWERS = 10;

  private static final List<String> LISTS = List.of("sslmode", "sslnegotiation", "channel_binding");

  /** One driver behind the contract. */
  interface Driver {
    /** Its hello: `name`, `version`, `supports`. */
    JSONObject hello();

    /**
     * Connects, runs the query, closes: the rows, every value as the driver gives it. What the driver throws, at once or
     * later, is its answer too; texts that it hands to the application besides go into `notices`.
     */
    CompletionStage<List<List<Object>>> connect(JSONObject request, List<String> notices) throws Exception;

    /** The server's code in an error, or null. */
    String sqlState(Throwable error);
  }

  private final Driver driver;
  private final PrintStream out;

  private Contract(Driver driver, PrintStream out) {
    this.driver = driver;
    this.out = out;
  }

  static void serve(Driver driver) throws IOException, InterruptedException {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    // Standard output carries the contract and nothing else.
    System.setOut(System.err);
    Contract contract = new Contract(driver, out);
    Phaser open = new Phaser(1);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JSONObject request = new JSONObject(line);
      if (request.getString("type").equals("hello")) {
        contract.warm();
        contract.write(driver.hello().put("type", "hello").put("contract", 1));
      } else {
        open.register();
        contract.ask(request).thenAccept(contract::write).whenComplete((told, error) -> open.arriveAndDeregister());
      }
    }
    try {
      open.awaitAdvanceInterruptibly(open.arrive(), LAST_ANSWERS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      System.err.println("without an answer at the end: " + open.getUnarrivedParties());
    }
    // Not by exit(): a driver's threads may be at work, and their farewells are nobody's answer.
    Runtime.getRuntime().halt(0);
  }

  private synchronized void write(JSONObject answer) {
    out.println(answer);
    out.flush();
  }

  private CompletionStage<JSONObject> ask(JSONObject request) {
    JSONObject answer = new JSONObject().put("type", "result").put("id", request.get("id"));
    String reason = refusal(driver.hello().getJSONObject("supports"), request);
    if (reason != null) {
      return CompletableFuture.completedFuture(answer.put("outcome", "unsupported").put("reason", reason));
    }
    List<String> notices = Collections.synchronizedList(new ArrayList<>());
    CompletionStage<List<List<Object>>> rows;
    try {
      rows = driver.connect(request, notices);
    } catch (Exception e) {
      rows = CompletableFuture.failedFuture(e);
    }
    return rows.thenApply(Contract::told).handle((lines, thrown) -> thrown == null
        // None of these drivers tells an application whether its connection is encrypted.
        ? answer.put("outcome", "connected").put("tls", JSONObject.NULL).put("rows", lines)
        : answer.put("outcome", "failed").put("error", error(thrown, notices)));
  }

  private JSONObject error(Throwable thrown, List<String> notices) {
    Throwable error = thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
    String state = driver.sqlState(error);
    List<String> texts = new ArrayList<>();
    collect(error, texts);
    texts.addAll(notices);
    return new JSONObject()
        .put("class", state != null ? state : error.getClass().getName())
        .put("message", cut(String.join("\n", texts), LONGEST));
  }

  /** What of the rows a line of the contract takes, as text. */
  private static JSONArray told(List<List<Object>> rows) {
    int left = LONGEST;
    JSONArray lines = new JSONArray();
    for (List<Object> row : rows) {
      JSONArray line = new JSONArray();
      for (Object value : row) {
        String text = cut(value instanceof Object[] ? Arrays.deepToString((Object[]) value) : String.valueOf(value), left);
        line.put(text);
        left = Math.max(left - text.length() - 1, 0);
      }
      if (left == 0) {
        return lines;
      }
      lines.put(line);
    }
    return lines;
  }

  private static String cut(String text, int length) {
    return text.substring(0, Math.min(text.length(), length));
  }

  /** Every text in an exception: its own, those it suppressed, its causes. */
  private static void collect(Throwable thrown, List<String> texts) {
    if (thrown == null) {
      return;
    }
    texts.add(thrown.getMessage() != null ? thrown.getMessage() : thrown.getClass().getName());
    for (Throwable suppressed : thrown.getSuppressed()) {
      collect(suppressed, texts);
    }
    collect(thrown.getCause(), texts);
  }

  /** Why the driver cannot be asked this at all, or null. */
  private static String refusal(JSONObject supports, JSONObject request) {
    for (String key : LISTS) {
      if (request.has(key) && !supports.getJSONArray(key).toList().contains(request.getString(key))) {
        return "no " + key + "=" + request.getString(key);
      }
    }
    String root = request.has("sslrootcert") ? request.getString("sslrootcert").equals("system") ? "system" : "file" : null;
    if (root != null && !supports.getJSONArray("sslrootcert").toList().contains(root)) {
      return "no sslrootcert=" + root;
    }
    for (String key : List.of("sslcert", "sslcrl")) {
      if (request.has(key) && !supports.getBoolean(key)) {
        return "no " + key;
      }
    }
    return request.optString("then").equals("cancel") && !supports.getBoolean("cancel") ? "no cancel" : null;
  }

  /**
   * A login at a server of our own that says S and leaves. It loads the classes of a connection while nobody
   * waits: on a busy machine that takes longer than the driver's timeouts and the runner's deadline.
   */
  private void warm() {
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
      JSONObject request = new JSONObject()
          .put("host", "localhost").put("hostaddr", server.getInetAddress().getHostAddress())
          .put("port", server.getLocalPort()).put("user", "-").put("password", "-").put("dbname", "-")
          .put("timeout_ms", 5000).put("query", "SELECT 1").put("sslmode", "require");
      driver.connect(request, new ArrayList<>()).toCompletableFuture().join();
    } catch (Exception e) {
      System.err.println("warm, as it should end: " + e.getMessage());
    }
  }
}
