/** The page's style. Colours of verdicts are the matrix picture's. */
import { VERDICTS } from '../../judge/verdict.js';
import { paintOf } from '../svg/matrix-look.js';

function shade(which: 'light' | 'dark'): string {
  const page =
    which === 'light'
      ? ':root{--page:#fff;--text:#1b2026;--faint:#5c6672;--line:#d6dbe1;--bar:#1f6fb2;--other:#b8c4d0}'
      : ':root{--page:#14181d;--text:#e8ebef;--faint:#9aa4b0;--line:#333b45;--bar:#4aa3e8;--other:#43505e}';
  return (
    page +
    VERDICTS.map((verdict) => {
      const { fill, sign } = paintOf(verdict, which);
      return `.${verdict}{background:${fill};color:${sign}}`;
    }).join('')
  );
}

export const PAGE_STYLE = `${shade('light')}@media(prefers-color-scheme:dark){${shade('dark')}}
:root{color-scheme:light dark}
body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--page);color:var(--text);font:16px/1.45 system-ui,'DejaVu Sans',sans-serif}
h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.25rem;margin:2.4rem 0 .4rem}h3{font-size:1.05rem;margin:.2rem 0}h4{margin:.9rem 0 .2rem}
p{margin:.3rem 0;max-width:64rem}.faint{color:var(--faint)}code,.name{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,monospace}
.facts{display:flex;flex-wrap:wrap;gap:.6rem 2rem;margin:1rem 0;padding:0;list-style:none}.facts b{display:block;font-size:1.5rem}
nav a{color:inherit}.scroll{overflow-x:auto}table{border-collapse:collapse}
#matrix th{font-weight:400;padding:0 .35rem;text-align:left;white-space:nowrap}#matrix thead th{text-align:center;color:var(--faint);font-size:.8rem}
.what{display:inline-block;max-width:16rem;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom;font-size:.85rem}
#matrix td{padding:1px}#matrix a{display:block;width:1.5rem;line-height:1.5rem;text-align:center;text-decoration:none;border-radius:2px}
#matrix a:hover,#matrix a:focus-visible,#matrix a[aria-current]{outline:2px solid var(--text);outline-offset:1px}
.word,.mark{padding:0 .35rem;border-radius:3px}.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.6rem 0;padding:0;list-style:none}
#move{border-left:3px solid var(--line);padding:.2rem 1rem;margin:1rem 0;min-height:7rem}.effect{margin-left:1rem}
svg{display:block;max-width:100%}svg text{fill:currentColor;font-size:13px}.bar{fill:var(--bar)}.other{fill:var(--other)}
.list td,.list th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}.list td:not(:last-child),.list th{white-space:nowrap}
input{font:inherit;color:inherit;background:transparent;border:1px solid var(--faint);border-radius:4px;padding:.3rem .5rem;width:20rem;max-width:100%}
@media print{body{max-width:none;padding:0}input,#found{display:none}*{print-color-adjust:exact}}
`;
