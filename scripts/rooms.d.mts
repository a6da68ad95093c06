export interface Room {
  readonly does: string;
  readonly imports: readonly string[];
  /** Other rooms, by the file of this one that imports them. */
  readonly importsIn?: Readonly<Record<string, readonly string[]>>;
  readonly packages?: readonly string[];
  readonly node?: true;
  /** The whole room, or these files of it. */
  readonly prints?: true | readonly string[];
  readonly made?: true;
}
export type Rooms = Readonly<Record<string, Room>>;

export declare function readRooms(root: string): Rooms;
/** Path, "src/model/host.ts", and text. */
export declare function readSources(root: string): [file: string, code: string][];
export declare function problemsOf(
  rooms: Rooms,
  files: Iterable<readonly [file: string, code: string]>,
): string[];
export declare function tableOf(rooms: Rooms): string;
export declare function withTable(page: string, rooms: Rooms): string;
