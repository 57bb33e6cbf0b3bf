"""Payouts of Shopify Payments, and what they consist of."""

PAYOUTS = """
query Payouts($first: Int!, $after: String, $query: String) {
  shopifyPaymentsAccount {
    payouts(first: $first, after: $after, query: $query, sortKey: ISSUED_AT) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id legacyResourceId issuedAt status transactionType
        net { amount currencyCode }
        summary {
          chargesGross { amount } chargesFee { amount }
          refundsFeeGross { amount } refundsFee { amount }
          adjustmentsGross { amount } adjustmentsFee { amount }
          reservedFundsGross { amount } reservedFundsFee { amount }
          retriedPayoutsGross { amount } retriedPayoutsFee { amount }
          advanceGross { amount } advanceFees { amount }
        }
      }
    }
  }
}
"""

BALANCE_TRANSACTIONS = """
query BalanceTransactions($first: Int!, $after: String, $query: String, $reverse: Boolean) {
  shopifyPaymentsAccount {
    balanceTransactions(first: $first, after: $after, query: $query, reverse: $reverse, sortKey: PROCESSED_AT) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id type sourceType sourceId sourceOrderTransactionId transactionDate test adjustmentReason
        amount { amount currencyCode }
        fee { amount }
        net { amount }
        associatedOrder { id name }
        associatedPayout { id }
      }
    }
  }
}
"""
