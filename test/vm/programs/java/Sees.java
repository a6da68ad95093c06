/** Threads, a null pointer (the JVM has a SIGSEGV handler for it), and a child process. */
public class Sees {
  static int lengthOf(String text) {
    try {
      return text.length();
    } catch (NullPointerException e) {
      return -1;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Thread[] threads = new Thread[8];
    int[] counts = new int[threads.length];
    for (int i = 0; i < threads.length; i++) {
      final int at = i;
      threads[i] = new Thread(() -> {
        for (int k = 0; k < 20000; k++) if (lengthOf(k % 100 == 0 ? null : "x") < 0) counts[at]++;
      });
      threads[i].start();
    }
    for (Thread thread : threads) thread.join();
    for (int count : counts) if (count != 200) System.exit(1);
    if (new ProcessBuilder("true").start().waitFor() != 0) System.exit(2);
    System.out.println("java is right");
  }
}
