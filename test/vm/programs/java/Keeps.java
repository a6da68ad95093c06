import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Threads that compute, and files that say how far it is: FOLDER/ready when it can be moved; when FOLDER/go is
 * there, FOLDER/result holds what a child process sees of the CPU, or what went wrong.
 */
public class Keeps {
  static volatile boolean isDone;
  static volatile String wrong;

  static void sum() {
    while (!isDone) {
      double[] numbers = new double[4096];
      for (int i = 0; i < numbers.length; i++) numbers[i] = i * 0.5;
      double sum = 0;
      for (double number : numbers) sum += number;
      if (sum != 0.25 * 4095 * 4096) wrong = "a sum is " + sum;
      Thread.yield();
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    Thread[] threads = new Thread[2];
    for (int i = 0; i < threads.length; i++) (threads[i] = new Thread(Keeps::sum)).start();
    Thread.sleep(1000);
    Files.writeString(folder.resolve("ready"), "");
    while (!Files.exists(folder.resolve("go"))) Thread.sleep(50);
    Process child = new ProcessBuilder("migrant", "--cpuid").start();
    String seen = new String(child.getInputStream().readAllBytes()).strip();
    isDone = true;
    for (Thread thread : threads) thread.join();
    Files.writeString(folder.resolve("part"), (wrong == null ? "ok " + seen : wrong) + "\n");
    Files.move(folder.resolve("part"), folder.resolve("result"));
  }
}
