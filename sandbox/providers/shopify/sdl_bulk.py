"""Bulk operations in the schema that is served."""

_PAGE = "after: String, before: String, first: Int, last: Int"
CONNECTED = ("BulkOperation",)

TYPES = f"""
enum BulkOperationErrorCode {{ ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }}
enum BulkOperationStatus {{ CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING }}
enum BulkOperationType {{ MUTATION QUERY }}
enum BulkOperationUserErrorCode {{ INVALID LIMIT_REACHED OPERATION_IN_PROGRESS }}
enum BulkOperationsSortKeys {{ CREATED_AT }}

extend type QueryRoot {{
  bulkOperation(id: ID!): BulkOperation
  bulkOperations(
    {_PAGE}, query: String, reverse: Boolean = false, sortKey: BulkOperationsSortKeys = CREATED_AT
  ): BulkOperationConnection!
}}
extend type Mutation {{
  bulkOperationRunQuery(groupObjects: Boolean! = false, query: String!): BulkOperationRunQueryPayload
}}

type BulkOperation implements Node {{
  id: ID!
  completedAt: DateTime
  createdAt: DateTime!
  errorCode: BulkOperationErrorCode
  fileSize: UnsignedInt64
  objectCount: UnsignedInt64!
  partialDataUrl: URL
  query: String!
  rootObjectCount: UnsignedInt64!
  status: BulkOperationStatus!
  type: BulkOperationType!
  url: URL
}}
type BulkOperationUserError {{ code: BulkOperationUserErrorCode field: [String!] message: String! }}
type BulkOperationRunQueryPayload {{ bulkOperation: BulkOperation userErrors: [BulkOperationUserError!]! }}
"""
