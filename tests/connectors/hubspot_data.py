"""What the account of `hubspot_api` has: a few records of each kind, made up."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def _record(number: int, changed: str, **properties: str | None) -> Record:
    return {
        "id": str(number),
        "properties": properties,
        "createdAt": "2026-03-02T09:00:00.123Z",
        "updatedAt": changed,
        "archived": False,
    }


OBJECTS: dict[str, list[Record]] = {
    # The ids have different lengths: as text they would not sort as numbers do.
    "contacts": [
        _record(
            951,
            "2026-11-10T08:15:00.250Z",
            email="ada@example.com",
            firstname="Ada",
            lastname="Nilsson",
            phone="+46 8 123 45 67",
            company="North Shop",
            jobtitle="Buyer",
            city="Uppsala",
            country="Sweden",
            lifecyclestage="customer",
            hs_lead_status="CONNECTED",
            hubspot_owner_id="41629779",
            associatedcompanyid="5001",
            hs_analytics_source="ORGANIC_SEARCH",
            hs_email_optout="false",
        ),
        _record(
            1002,
            "2026-11-12T10:00:00.000Z",
            email="bo@example.com",
            firstname="Bo",
            lastname="",
            lifecyclestage="lead",
            hubspot_owner_id="41629780",
            hs_analytics_source="OFFLINE",
            hs_email_optout="true",
        ),
        _record(
            10003,
            "2026-11-12T10:00:00.000Z",
            email="cy@example.com",
            firstname="Cy",
            lastname="Ek",
            lifecyclestage="opportunity",
            hs_email_optout=None,
        ),
    ],
    "companies": [
        _record(
            5001,
            "2026-11-09T12:30:00.000Z",
            name="North Shop",
            domain="north.example.com",
            industry="RETAIL",
            city="Uppsala",
            country="Sweden",
            lifecyclestage="customer",
            numberofemployees="12",
            annualrevenue="1250000.50",
        ),
        _record(
            5002,
            "2026-11-11T07:00:00.010Z",
            name="South Works",
            domain="south.example.com",
            hs_parent_company_id="5001",
        ),
        _record(5003, "2026-11-11T07:00:00.011Z", name="East Lamps", numberofemployees="3"),
    ],
    "deals": [
        _record(
            7001,
            "2026-11-12T16:45:00.900Z",
            dealname="Shelves",
            dealstage="contractsent",
            pipeline="default",
            dealtype="newbusiness",
            amount="1999.90",
            deal_currency_code="SEK",
            amount_in_home_currency="1999.90",
            closedate="2026-12-31T23:59:59.999Z",
            hubspot_owner_id="41629779",
            hs_is_closed="false",
            hs_is_closed_won="false",
        ),
        _record(
            7002,
            "2026-11-13T09:20:00.000Z",
            dealname="Lamps",
            dealstage="closedlost",
            pipeline="default",
            amount="",
            closedate="2026-11-13T09:19:00.000Z",
            hs_is_closed="true",
            hs_is_closed_won="false",
            closed_lost_reason="Too dear",
        ),
        _record(
            7003,
            "2026-11-13T09:21:00.000Z",
            dealname="Chairs",
            dealstage="closedwon",
            pipeline="default",
            amount="80",
            hs_is_closed="true",
            hs_is_closed_won="true",
        ),
    ],
    "tickets": [
        _record(
            8001,
            "2026-11-14T11:00:00.000Z",
            subject="A lamp is broken",
            content="It flickers.",
            hs_pipeline="0",
            hs_pipeline_stage="1",
            hs_ticket_priority="HIGH",
            hs_ticket_category="PRODUCT_ISSUE",
            source_type="EMAIL",
            hubspot_owner_id="41629780",
        ),
        _record(
            8002,
            "2026-11-15T11:00:00.000Z",
            subject="Which bulb?",
            hs_pipeline="0",
            hs_pipeline_stage="4",
            hs_ticket_priority="LOW",
            closed_date="2026-11-15T11:00:00.000Z",
        ),
        _record(8003, "2026-11-15T12:00:00.000Z", subject="Hello", hs_pipeline="0"),
    ],
    "line_items": [
        _record(
            9001,
            "2026-11-12T16:44:00.000Z",
            name="Shelf",
            quantity="2",
            price="999.95",
            discount="0",
            amount="1999.90",
            hs_product_id="6001",
            hs_sku="SH-1",
            hs_line_item_currency_code="SEK",
        ),
        _record(
            9002,
            "2026-11-13T09:00:00.000Z",
            name="Support",
            quantity="1",
            price="49",
            amount="49",
            recurringbillingfrequency="monthly",
        ),
        _record(9003, "2026-11-13T09:00:01.000Z", name="Lamp", quantity="4", price="20"),
    ],
    "products": [
        _record(
            6001,
            "2026-10-01T08:00:00.000Z",
            name="Shelf",
            description="Oak",
            hs_sku="SH-1",
            price="999.95",
            hs_cost_of_goods_sold="400",
        ),
        _record(
            6002,
            "2026-10-02T08:00:00.000Z",
            name="Support",
            price="49",
            recurringbillingfrequency="monthly",
        ),
        _record(6003, "2026-10-02T08:00:01.000Z", name="Lamp", price="20"),
    ],
    "calls": [
        _record(
            3001,
            "2026-11-12T14:00:00.000Z",
            hs_timestamp="2026-11-12T13:45:00Z",
            hubspot_owner_id="41629779",
            hs_call_title="Sizes",
            hs_call_direction="OUTBOUND",
            hs_call_disposition="f240bbac-87c9-4f6e-bf70-924b57d47db7",
            hs_call_duration="94000",
            hs_call_status="COMPLETED",
        ),
        _record(3002, "2026-11-12T15:00:00.000Z", hs_timestamp="2026-11-12T15:00:00Z"),
        _record(3003, "2026-11-12T16:00:00.000Z", hs_timestamp="2026-11-12T16:00:00Z"),
    ],
    "meetings": [
        _record(
            3101,
            "2026-11-10T12:00:00.000Z",
            hs_timestamp="2026-11-24T09:00:00Z",
            hs_meeting_title="Visit",
            hs_meeting_outcome="SCHEDULED",
            hs_meeting_start_time="2026-11-24T09:00:00Z",
            hs_meeting_end_time="2026-11-24T10:00:00Z",
        ),
    ],
    "notes": [_record(3201, "2026-11-11T12:00:00.000Z", hs_timestamp="2026-11-11T12:00:00Z")],
    "tasks": [
        _record(
            3301,
            "2026-11-11T13:00:00.000Z",
            hs_timestamp="2026-11-25T08:00:00Z",
            hs_task_subject="Call Ada",
            hs_task_status="NOT_STARTED",
            hs_task_priority="HIGH",
            hs_task_type="CALL",
        ),
    ],
}

# By the kinds of both records: the others of each, with the labels of the pair.
_PLAIN = {"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}
ASSOCIATIONS: dict[tuple[str, str], dict[str, list[Record]]] = {
    ("deals", "contacts"): {
        "7001": [
            {
                "toObjectId": 951,
                "associationTypes": [
                    _PLAIN,
                    {"category": "USER_DEFINED", "typeId": 36, "label": "Decision maker"},
                ],
            },
            {"toObjectId": 1002, "associationTypes": [_PLAIN]},
            {"toObjectId": 10003, "associationTypes": [_PLAIN]},
        ],
        "7002": [{"toObjectId": 1002, "associationTypes": [_PLAIN]}],
    },
    ("deals", "companies"): {"7001": [{"toObjectId": 5001, "associationTypes": [_PLAIN]}]},
    ("deals", "line_items"): {"7001": [{"toObjectId": 9001, "associationTypes": [_PLAIN]}]},
    ("contacts", "companies"): {
        "951": [
            {
                "toObjectId": 5001,
                "associationTypes": [
                    {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"}
                ],
            }
        ],
        "10003": [{"toObjectId": 5002, "associationTypes": [_PLAIN]}],
    },
    ("tickets", "contacts"): {"8001": [{"toObjectId": 951, "associationTypes": [_PLAIN]}]},
    ("tickets", "companies"): {"8001": [{"toObjectId": 5001, "associationTypes": [_PLAIN]}]},
}

_TEAM: Record = {"id": "178588", "name": "Sales", "primary": True}
OWNERS: list[Record] = [
    {
        "id": str(number),
        "email": email,
        "type": "PERSON",
        "firstName": first,
        "lastName": "Lund",
        "userId": None if archived else number - 41000000,
        "userIdIncludingInactive": number - 41000000,
        "createdAt": "2026-01-10T08:00:00.000Z",
        "updatedAt": "2026-02-10T08:00:00.000Z",
        "archived": archived,
        **teams,
    }
    for number, email, first, archived, teams in (
        (41629779, "eva@example.com", "Eva", False, {"teams": [_TEAM]}),
        (41629781, "finn@example.com", "Finn", False, {}),
        (41629782, "gro@example.com", "Gro", False, {}),
        (41629780, "hal@example.com", "Hal", True, {}),
    )
]

_MADE = {"createdAt": "2026-01-01T08:00:00Z", "updatedAt": "2026-01-02T08:00:00Z"}


def _stage(name: str, label: str, order: int, **metadata: str) -> Record:
    return {
        "id": name,
        "label": label,
        "displayOrder": order,
        "metadata": metadata,
        **_MADE,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


PIPELINES: dict[str, list[Record]] = {
    "deals": [
        {
            "id": "default",
            "label": "Sales",
            "displayOrder": 0,
            "stages": [
                _stage("contractsent", "Contract sent", 0, isClosed="false", probability="0.9"),
                _stage("closedwon", "Won", 1, isClosed="true", probability="1.0"),
                _stage("closedlost", "Lost", 2, isClosed="true", probability="0.0"),
            ],
            **_MADE,
            "archived": False,
        }
    ],
    "tickets": [
        {
            "id": "0",
            "label": "Support",
            "displayOrder": 0,
            "stages": [
                _stage("1", "New", 0, isClosed="false", ticketState="OPEN"),
                _stage("4", "Closed", 1, isClosed="true", ticketState="CLOSED"),
            ],
            **_MADE,
            "archived": False,
        }
    ],
}

LISTS: list[Record] = [
    {
        "listId": str(number),
        "name": name,
        "objectTypeId": "0-1",
        "processingType": kind,
        "processingStatus": "COMPLETE",
        "listVersion": 2,
        "additionalProperties": {"hs_list_size": "12"},
        "createdById": "629779",
        "updatedById": "629779",
        **_MADE,
        "filtersUpdatedAt": "2026-01-02T08:00:00Z",
    }
    for number, name, kind in ((21, "Customers", "DYNAMIC"), (22, "Fair 2026", "MANUAL"))
]

FORMS: list[Record] = [
    {
        "id": "d1f1a3c5-7c0e-4d83-b1f4-0c8a6b1d2e3f",
        "name": "Newsletter",
        "formType": "hubspot",
        "fieldGroups": [
            {
                "groupType": "default_group",
                "richTextType": "text",
                "fields": [{"name": "email", "label": "E-mail", "fieldType": "email"}],
            }
        ],
        "configuration": {"language": "en", "cloneable": True},
        "displayOptions": {"theme": "default_style"},
        "legalConsentOptions": {"type": "none"},
        **_MADE,
        "archived": False,
    },
    {
        "id": "9a0d2a1e-5b7e-4c55-8f0e-6d1c2b3a4f50",
        "name": "Pop-up",
        "formType": "flow",
        "fieldGroups": [],
        "configuration": {"language": "en", "cloneable": False},
        "displayOptions": {"theme": "default_style"},
        "legalConsentOptions": {"type": "none"},
        **_MADE,
        "archived": False,
    },
]


def _property(name: str, kind: str, field: str, options: tuple[str, ...] = ()) -> Record:
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "type": kind,
        "fieldType": field,
        "description": "",
        "groupName": "information",
        "options": [
            {"value": one, "label": one.capitalize(), "displayOrder": place, "hidden": False}
            for place, one in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": True,
        "formField": True,
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": True,
            "readOnlyValue": False,
        },
    }


PROPERTIES: dict[str, list[Record]] = {
    "contacts": [
        _property("email", "string", "text"),
        _property("lifecyclestage", "enumeration", "radio", ("lead", "opportunity", "customer")),
        _property("hs_email_optout", "bool", "booleancheckbox"),
        _property("height", "number", "number"),  # there is one that is not loaded
    ],
    "companies": [
        _property("name", "string", "text"),
        _property("annualrevenue", "number", "number"),
    ],
    "deals": [
        _property("amount", "number", "number"),
        _property("closedate", "datetime", "date"),
    ],
    "tickets": [
        _property("subject", "string", "text"),
        _property("closed_date", "datetime", "date"),
    ],
}
