export function checkedPages(): Promise<{ name: string; path: string; text: string; filled: string }[]>;
export function algorithmRows(): Promise<{ table: string; names: string[]; rows: { name: string; cells: Record<string, string> }[] }[]>;
