export const productRejections = ['product-not-found', 'product-already-added', 'product-retired'] as const

export type ProductRejection = (typeof productRejections)[number]
