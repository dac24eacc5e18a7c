export const greeting = (late: boolean): string => (late ? "Bundled and served." : "Too early.");
