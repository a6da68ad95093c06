/** What compareAll needs: it tries every rule when it loads, which a program without matrices saves. */
export { verdictMatrix } from '../matrix/matrix.js';
export { viewMatrix } from '../matrix/view.js';
export { matrixJson } from '../report/matrix-json.js';
