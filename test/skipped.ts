/** Says at the end which tests did not run, so that a green run hides no missing tool. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') continue;
        counts[state]++;
        if (state !== 'skipped') continue;
        const group = `${module.relativeModuleId}: ${test.parent.type === 'suite' ? test.parent.fullName : test.name}`;
        skipped.set(group, (skipped.get(group) ?? 0) + 1);
      }
    const lines = [...skipped].map(([group, count]) => `skipped ${count} in ${group}`);
    lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}
