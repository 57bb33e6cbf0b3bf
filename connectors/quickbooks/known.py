"""Fields of QuickBooks' records that are known, wherever they stand: whatever else comes is new, and told once.

Those of the streams' columns, and those of Intuit's schema (``Finance.xsd`` and what it includes) that no column is
made of; they are in the raw records. What no batch of records may be without is said here, too.
"""

from connectors.quickbooks.statements import ENTITIES
from connectors.shapes import Shape

_OF_SCHEMA = """
    AbatementRate AccountAlias AccountEx AccountPurposes AcctNumExtn Address AdjustmentTaxRateList
    AdvancedInventoryPrefs AgencyVerificationStatus AgencyVerificationStatusMsg AgencyVerificationTSUTC
    AllowOnlineAffirmPayment AllowOnlinePayPalPayment AltContactName AlternatePhone AttachableRef AutoDocNumber
    AutoPayEligible BillEmailBcc BillEx BillPaymentEx BirthDate BreakSeconds BuildPoint BusinessNumber CCDetail
    CISRate COGSAccountRef CfdiUse ClassEx ClientCompanyId ClientEntityId CompanyEmailAddr CompanyFileName
    CompanyInfoEx CompanyRegistrationNumber CompanyURL CompanyUserAdminEmail CompanyUserId ContactName
    ConvenienceFeeDetail CreditMemoEx CustomExtensions CustomerCommunicationAddr CustomerCommunicationEmailAddr
    CustomerEx DeferredRevenue DepartmentEx DepositEx DropShipToEntity ECloudStatusTimeStamp EInvoiceStatus
    EmailMessagesPrefs EmployeeEx EmployeeType EmployerId EnabledSurchargeInfo EstimateEx Exportation FIName FOB
    FifoCalculationStatus FinanceCharge FinanceChargesPrefs FinancingProductType FlavorStratum FreeFormAddress
    GSTIN GSTRegistrationType Gender GlobalInfo GovtTxnRefIdentifier GratuityEnabled HasTPAR HomeTotalCostAmount
    HoursInEmployeeTimeZone IncludeInAnnualTPAR IntuitId InventorySiteRef InvoiceEx InvoiceLink
    InvoiceLinkExpiryDate InvoiceLinkSecurityCode IsCISContractor IsSubContractor ItemAssemblyDetail ItemEx
    ItemGroupDetail JobInfo JournalCodeRef JournalEntryEx LastImportedTime LastSyncTime LegalAddr LessCIS
    ManPartNum MultiByteCharsSupported OnlineBankingEnabled Organization OriginalTaxRate OtherAddr
    OtherContactInfo OtherNameRef OtherPrefs OverDueBalance PayerRef PaymentDetailsMessage PaymentEx
    PaymentExtendedType PaymentMethodEx PayrollItemRef PercentBased PrefillAccountRef PriceLevelRef PrimaryAddr
    PrimaryTaxIdentifier PrintDocumentPrefs PrintGroupedItems ProductAndServicesPrefs PurchaseEx PurchaseOrderEx
    QBVersion QtyOnPurchaseOrder QtyOnSalesOrder RatePercent RecurringInfo RefundReceiptEx ReimbursableInfoRef
    RemitToRef ReplyEmail ReverseChargeRate RootCustomerRef SSN SalesFormsPrefs SalesReceiptEx SalesRepRef
    SalesTaxCountry SalesTaxReturnRef SalesTermEx SampleFile SchedulePayEligible ScheduledPaymentId
    SecondaryTaxIdentifier Seconds ServiceType ShipFromAddr ShippingTaxIncludedInTotalTax Source SpecialItem
    SpecialItemType SubcontractorType SubscriptionPaymentsSetting T4AEligible T5018Eligible TDSEnabled
    TDSEntityTypeId TDSOverrideThreshold TDSSectionTypeId Tag TaxAccount TaxAgencyConfig TaxAgencyExt
    TaxClassificationRef TaxCodeConfigType TaxCodeEx TaxCountry TaxExemptionReasonId TaxExemptionRef TaxFormNum
    TaxFormType TaxGroupCodeRef TaxIdEffectiveDate TaxIdentifier TaxOnPurchasesAccountRef TaxOnTax TaxRateEx
    TaxRateRef TaxRegime TaxReportingBasis TaxReturnLineRef TaxTrackedOnSalesAccountRef TaxYearStartMonth
    TemplateRef TimeActivityEx TimeChargeId TimeZone TotalCostAmount TotalExpense TotalRevenue TransferEx
    TxnApprovalInfo TxnLocationType TxnRetainageDetail TxnSubType UOMSetRef UQCDisplayText UQCId UseTimeEntry
    UserId V4IDPseudonym VendorAndPurchasesPrefs VendorCreditEx VendorEx VendorPaymentBankDetail callToAction
    invoiceStatus invoiceStatusLog
"""
#: how JSON marks records, beside the schema
_OF_JSON = {"domain", "sparse", "status", "type", "value", "name"}

KNOWN = frozenset(
    {*_OF_SCHEMA.split(), *_OF_JSON, *(name.removesuffix("[]") for one in ENTITIES for name in one.shape.tree)}
)


def needed(shape: Shape) -> tuple[str, ...]:
    """Return the columns without which no record means anything: when it changed."""
    return _those(shape, "updated_at")


def usual(shape: Shape) -> tuple[str, ...]:
    """Return the columns that nearly every record has: the day of a document.

    Single documents of real companies are without a day, which is kept as it is; a field that is gone from all is not.
    """
    return _those(shape, "txn_date")


def _those(shape: Shape, name: str) -> tuple[str, ...]:
    return tuple(column.name for column in shape.stream.columns if column.name == name)
