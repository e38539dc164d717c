// `hostaddr` for drivers that ask the JVM for addresses.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.util.Map;
import java.util.TreeMap;
import org.json.JSONObject;

/** What /etc/hosts would say of the names that were asked for: a file of this process that the JVM looks into. */
final class Hosts {
  private static final Map<String, String> ADDRESSES = new TreeMap<>(Map.of("localhost", "127.0.0.1"));
  private static Path file;

  private Hosts() {}

  /** Before the JVM looks up its first name; the file is in the process's own folder. */
  static void use() throws IOException {
    file = Path.of(System.getenv("HOME"), "hosts");
    write();
    System.setProperty("jdk.net.hosts.file", file.toString());
    Security.setProperty("networkaddress.cache.ttl", "0");
    Security.setProperty("networkaddress.cache.negative.ttl", "0");
  }

  /** Takes the request's host and address down, if it has both. */
  static synchronized void learn(JSONObject request) throws IOException {
    if (request.has("hostaddr") && !request.getString("hostaddr").equals(ADDRESSES.put(request.getString("host"), request.getString("hostaddr")))) {
      write();
    }
  }

  private static void write() throws IOException {
    StringBuilder lines = new StringBuilder();
    ADDRESSES.forEach((host, address) -> lines.append(address).append(' ').append(host).append('\n'));
    // As a whole: a look-up may be at work.
    Path next = Files.writeString(file.resolveSibling("hosts.next"), lines);
    Files.move(next, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }
}
