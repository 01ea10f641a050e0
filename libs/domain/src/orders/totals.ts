type Line = { readonly quantity: number; readonly amount: number }

export const totalAmount = (lines: readonly Line[]): number =>
  lines.reduce((sum, line) => sum + line.amount, 0)

export const totalQuantity = (lines: readonly Line[]): number =>
  lines.reduce((sum, line) => sum + line.quantity, 0)
