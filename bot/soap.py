"""SOAP 1.1 as the Web Connector speaks it: one call in, one answer or fault out, and nothing that is not plain."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.exchange.desktop.safe_xml import Element, XmlRefusedError, parse
from jobs.exchange.desktop.xml_out import escaped, leaf, node

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://developer.intuit.com/"
_CONTENT_TYPE = re.compile(r"""text/xml\s*(?:;\s*charset\s*=\s*["']?utf-8["']?\s*)?;?""", re.IGNORECASE)

#: what each method is given and whether it gives one text, a list of texts or a number
METHODS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "serverVersion": ((), "string"),
    "clientVersion": (("strVersion",), "string"),
    "authenticate": (("strUserName", "strPassword"), "tns:ArrayOfString"),
    "sendRequestXML": (
        (
            "ticket",
            "strHCPResponse",
            "strCompanyFileName",
            "qbXMLCountry",
            "qbXMLMajorVers",
            "qbXMLMinorVers",
        ),
        "string",
    ),
    "receiveResponseXML": (("ticket", "response", "hresult", "message"), "int"),
    "connectionError": (("ticket", "hresult", "message"), "string"),
    "getLastError": (("ticket",), "string"),
    "closeConnection": (("ticket",), "string"),
    "getInteractiveURL": (("wcTicket", "sessionID"), "string"),
    "interactiveDone": (("wcTicket",), "string"),
    "interactiveRejected": (("wcTicket", "reason"), "string"),
}
_NUMBERS = frozenset({"qbXMLMajorVers", "qbXMLMinorVers"})


class SoapRefusedError(Exception):
    """The request is no call of ours; it ends with that status and those words."""

    def __init__(self, status: int, words: str, *, ours: bool = False) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        #: whether it is our fault
        self.ours = ours


@dataclass(frozen=True, slots=True)
class Call:
    """One call, with every argument that its method has."""

    method: str
    said: Mapping[str, str]


def is_xml(content_type: str) -> bool:
    """Whether that is what SOAP 1.1 sends, in UTF-8. No form of a browser can send it without asking us first."""
    return _CONTENT_TYPE.fullmatch(content_type.strip()) is not None


def read_call(body: bytes, action: str) -> Call:
    """Return the call in a request; SoapRefusedError for whatever is none."""
    try:
        root = parse(body)
    except XmlRefusedError as error:
        raise SoapRefusedError(400, f"the request cannot be read: {error}") from None
    if root.name != "Envelope" or root.namespace != ENVELOPE:
        raise SoapRefusedError(400, "the request is not SOAP 1.1")
    found = root.child("Body")
    if found is None or found.namespace != ENVELOPE or len(found.children) != 1:
        raise SoapRefusedError(400, "the request has no single call")
    asked = found.children[0]
    if asked.namespace != NAMESPACE or asked.name not in METHODS:
        raise SoapRefusedError(400, "there is no such method")
    if action.strip('" ') not in ("", f"{NAMESPACE}{asked.name}"):
        raise SoapRefusedError(400, "the SOAPAction names another method")
    return Call(asked.name, _said(asked))


def _said(asked: Element) -> Mapping[str, str]:
    names, _ = METHODS[asked.name]
    given = [one.name for one in asked.children]
    if len(set(given)) != len(given) or any(one.children for one in asked.children):
        raise SoapRefusedError(400, "an argument came twice, or is no text")
    texts = {one.name: one.text for one in asked.children}
    return {name: texts.get(name, "") for name in names}


def answer(method: str, result: str | int | Sequence[str]) -> bytes:
    """Return the answer to a call."""
    if isinstance(result, str | int):
        inside = leaf(f"{method}Result", str(result), whole=True)
    else:
        inside = node(f"{method}Result", "".join(leaf("string", one, whole=True) for one in result))
    return _enveloped(f'<{method}Response xmlns="{NAMESPACE}">{inside}</{method}Response>')


def fault(words: str, *, ours: bool) -> bytes:
    """Return what is said of a call that was none, or that failed here."""
    code = "soap:Server" if ours else "soap:Client"
    return _enveloped(node("soap:Fault", leaf("faultcode", code) + leaf("faultstring", words, whole=True)))


def _enveloped(inside: str) -> bytes:
    body = node("soap:Body", inside)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}">{body}</soap:Envelope>'
    ).encode("ascii")


def wsdl(address: str) -> bytes:
    """Return the description of the service, which some Web Connectors ask for."""
    types, messages, operations, bindings = [], [], [], []
    for name, (arguments, result) in METHODS.items():
        inside = "".join(_element(one, "int" if one in _NUMBERS else "string") for one in arguments)
        types += [_type(name, inside), _type(f"{name}Response", _element(f"{name}Result", result))]
        messages += [_part(f"{name}SoapIn", name), _part(f"{name}SoapOut", f"{name}Response")]
        said = f'<wsdl:input message="tns:{name}SoapIn"/><wsdl:output message="tns:{name}SoapOut"/>'
        operations.append(f'<wsdl:operation name="{name}">{said}</wsdl:operation>')
        literal = '<soap:body use="literal"/>'
        spoken = f"<wsdl:input>{literal}</wsdl:input><wsdl:output>{literal}</wsdl:output>"
        where = f'<soap:operation soapAction="{NAMESPACE}{name}" style="document"/>'
        bindings.append(f'<wsdl:operation name="{name}">{where}{spoken}</wsdl:operation>')
    listed = '<s:element minOccurs="0" maxOccurs="unbounded" name="string" nillable="true" type="s:string"/>'
    array = f'<s:complexType name="ArrayOfString"><s:sequence>{listed}</s:sequence></s:complexType>'
    schema = (
        f'<s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">{"".join(types)}{array}</s:schema>'
    )
    transport = '<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
    bound = f'<wsdl:binding name="WebConnectorSoap" type="tns:WebConnectorSoap">{transport}{"".join(bindings)}'
    port = f'<wsdl:port name="WebConnectorSoap" binding="tns:WebConnectorSoap">{_address(address)}</wsdl:port>'
    names = (
        f'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        f'xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:tns="{NAMESPACE}" targetNamespace="{NAMESPACE}"'
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><wsdl:definitions {names}><wsdl:types>{schema}</wsdl:types>'
        f'{"".join(messages)}<wsdl:portType name="WebConnectorSoap">{"".join(operations)}</wsdl:portType>'
        f"{bound}</wsdl:binding>"
        f'<wsdl:service name="WebConnector">{port}</wsdl:service></wsdl:definitions>'
    ).encode("ascii")


def _element(name: str, kind: str) -> str:
    return f'<s:element minOccurs="0" maxOccurs="1" name="{name}" type="{kind if ":" in kind else f"s:{kind}"}"/>'


def _type(name: str, inside: str) -> str:
    return f'<s:element name="{name}"><s:complexType><s:sequence>{inside}</s:sequence></s:complexType></s:element>'


def _part(name: str, element: str) -> str:
    return f'<wsdl:message name="{name}"><wsdl:part name="parameters" element="tns:{element}"/></wsdl:message>'


def _address(address: str) -> str:
    return f'<soap:address location="{escaped(address, whole=True)}"/>'
