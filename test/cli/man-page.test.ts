import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { manPage } from '../../src/cli/man/page.js';
import { paragraphs, roffText, section, tagged } from '../../src/cli/man/roff.js';
import { COMMANDS } from '../../src/cli/specs/index.js';
import { COMMAND_GROUPS, type CommandSpec } from '../../src/cli/specs/spec.js';
import { exitStatus, VERDICTS } from '../../src/judge/verdict.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const facts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const file = join(root, facts.man[0]);

/** What a reader of the page finds there, without marks. */
function plain(page: string): string {
  return page
    .replace(/\\f[BIR]|\\&/g, '')
    .replace(
      /\\\((aq|dq|ga|ha|ti)/g,
      (_, name: string) => `'"\`^~`['aqdqgahati'.indexOf(name) / 2]!,
    )
    .replaceAll('\\-', '-')
    .replaceAll('\\e', '\\');
}

const hasTool = (tool: string) => spawnSync(tool, ['--version']).error === undefined;
const page = manPage(COMMANDS, facts);
const text = plain(page);

/** Of one command, up to the next. */
function partOf({ name }: CommandSpec): string {
  const start = text.indexOf(`.SS "${name}"`);
  expect(start, `a part on ${name}`).toBeGreaterThan(0);
  return text.slice(start, text.slice(start + 4).search(/^\.S[SH] /m) + start + 4);
}

describe('the manual page', () => {
  it('is built where npm looks for it, by the same text', () => {
    // npm links the pages of a list; it passes over a single name without a word.
    expect(facts.man).toEqual([expect.stringMatching(/^dist\/.*\/cpugate\.1$/)]);
    expect(readFileSync(file, 'utf8')).toBe(page);
  });

  it('has its sections in the usual order', () =>
    expect([...text.matchAll(/^\.SH "(.*)"$/gm)].map(([, name]) => name)).toEqual(
      'NAME,SYNOPSIS,DESCRIPTION,HOSTS,COMMANDS,EXIT STATUS,ENVIRONMENT,FILES,EXAMPLES,SEE ALSO'.split(
        ',',
      ),
    ));

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    'tells all about %s',
    (_, command) => {
      const part = partOf(command);
      expect(part).toContain(command.summary);
      for (const [name, { alias, value, describe, choices }] of Object.entries(command.options)) {
        expect(part).toContain(
          `.TP\n${alias ? `-${alias}, ` : ''}--${name}${value ? ` ${value}` : ''}\n${describe}`,
        );
        for (const choice of choices ?? []) expect(part).toContain(choice);
      }
      for (const { name, describe } of command.positionals)
        expect(part).toContain(`.TP\n${name.toUpperCase()}\n${describe}`);
      for (const [line] of command.examples) expect(text).toContain(`\n${line}\n`);
    },
  );

  it('has the commands by job, as the help has them', () => {
    for (const [group, title] of Object.entries(COMMAND_GROUPS)) {
      const names = COMMANDS.filter((one) => one.group === group).map(({ name }) => name);
      expect(text).toContain(`.TP\n${title}\n${names.join(', ')}\n`);
    }
  });

  it('has the exit status of each verdict', () => {
    const statuses = text.slice(text.indexOf('.SH "EXIT STATUS"'), text.indexOf('.SH "ENV'));
    for (const verdict of VERDICTS)
      expect(statuses).toMatch(
        new RegExp(`\\.TP\\n${exitStatus(verdict, 'at-risk')}\\n.*\\b${verdict}\\b`),
      );
  });

  it('has every environment variable that users can set', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
      .map((name) => readFileSync(join(root, 'src', name), 'utf8'));
    const used = sources.flatMap((source) =>
      [...source.matchAll(/\benv\.([A-Z_]+)/g)].map(([, name]) => name as string),
    );
    expect(used).toContain('NO_COLOR');
    for (const name of used) expect(text).toContain(`.TP\n${name}\n`);
  });

  it('is the same at every build of one version', () => {
    expect(manPage(COMMANDS, facts)).toBe(page);
    expect(page.split('\n')[1]).toBe(
      `.TH "CPUGATE" 1 "" "cpugate ${facts.version}" "User Commands"`,
    );
  });
});

describe('text in roff', () => {
  it.each([
    ['a\\fBb', 'a\\efBb'],
    ['--no-color', '\\-\\-no\\-color'],
    ['.SH no macro', '\\&.SH no macro'],
    ['a\n.so /etc/passwd', 'a\n\\&.so /etc/passwd'],
    ["'br", '\\(aqbr'],
    ['say "so"', 'say \\(dqso\\(dq'],
    ['`^~', '\\(ga\\(ha\\(ti'],
    ['→', '\\[u2192]'],
    ['😀', '\\[u1F600]'],
    ['\u202e', '\\[u202E]'],
  ])('%j is written as %j', (given, wanted) => expect(roffText(given)).toBe(wanted));

  it('keeps an argument in one line', () =>
    expect(section('a\n"b"', '')).toBe('.SH "a \\(dqb\\(dq"\n'));

  it("starts no macro in a paragraph, in a tag's text, in a literal part", () =>
    expect(`${tagged('x', '.a')}${paragraphs('.b\n\n  c\n.d')}`).toBe(
      '.TP\nx\n\\&.a\n.PP\n\\&.b\n.PP\n.nf\n  c\n\\&.d\n.fi\n',
    ));
});

describe.runIf(hasTool('groff'))('as groff reads it', () => {
  const nasty: CommandSpec = {
    name: 'nasty',
    group: 'hosts',
    summary: '.TH "x" \\fB\n\'de y',
    positionals: [],
    options: { o: { type: 'string', value: '\\n(.x', describe: "'in 9 → `x`" } },
    examples: [['.ex \\', '\\e']],
  };

  it.each([
    ['the page', page, 'cpugate check'],
    ['a page of what roff takes for its own', manPage([nasty], facts), '.TH "x" \\fB'],
  ])('%s gives no warning', (_, input, shown) => {
    const run = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-P-cbou'], {
      input,
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain(shown);
  });
});

describe.runIf(hasTool('man'))('as man reads it', () => {
  it('gives no warning', () => {
    const env = { ...process.env, LC_ALL: 'C.UTF-8' };
    const run = spawnSync('man', ['--warnings', '-l', file], { encoding: 'utf8', env });
    expect([run.status, run.stderr]).toEqual([0, '']);
  });
});

describe.runIf(spawnSync('mandoc', ['-Tlint', '/dev/null']).error === undefined)(
  'as mandoc reads it',
  () => {
    it('gives no warning but for the date, which would be that of a build', () => {
      const said = execFileSync(
        'sh',
        ['-c', 'mandoc -Tlint -Wwarning -- "$1" || true', '-', file],
        {
          encoding: 'utf8',
        },
      );
      expect(said.split('\n').filter((line) => line !== '' && !/missing date/.test(line))).toEqual(
        [],
      );
    });
  },
);
