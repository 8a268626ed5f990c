export function checkedPages(): Promise<{ name: string; path: string; text: string; filled: string }[]>;
