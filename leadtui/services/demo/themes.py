"""What a demo of each preset is about: people, places, numbers, packages and what is said about leads."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Theme:
    """The invented world of one preset."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[str, ...]
    staff: Mapping[str, tuple[str, str]]
    """Login → (name, role)."""
    mobile: Callable[[random.Random], str]
    """A valid mobile number in E.164."""
    sources: Mapping[str, int]
    """Source → how many of a hundred leads."""
    products: tuple[tuple[str, str, str | None], ...] = ()
    """(name, kind, price in major units) to be added where the preset brings none."""
    tags: tuple[str, ...] = ("vip", "callback", "price-sensitive", "business", "evening")
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = (
        "prefers calls after 5 pm",
        "asked for a discount",
        "spouse decides",
        "call on Saturday",
    )
    talk: tuple[tuple[str, str, str | None], ...] = field(default=())
    """(type, subject, outcome) of contacts."""
    referrers: int = 24
    agents: tuple[Mapping[str, str], ...] = ({},)
    """What the rules of assignment know of the agents, one after the other, beside the places they serve."""
    building: tuple[str, ...] = ("Block",)


def _kenyan(rnd: random.Random) -> str:
    return f"+254{rnd.choice(('70', '71', '72', '79', '74', '11'))}{rnd.randrange(10**7):07d}"


def _indian(rnd: random.Random) -> str:
    return f"+91{rnd.choice(('98', '99', '97', '96', '90'))}{rnd.randrange(10**8):08d}"


def _american(rnd: random.Random) -> str:
    return f"+1{rnd.choice(('212', '646', '917', '718', '347'))}{rnd.randrange(200, 999):03d}{rnd.randrange(10**4):04d}"


def _pakistani(rnd: random.Random) -> str:
    return f"+92{rnd.choice(('300', '301', '321', '333', '345'))}{rnd.randrange(10**7):07d}"


_TALK: tuple[tuple[str, str, str | None], ...] = (
    ("call", "first call", "positive"),
    ("call", "no answer", "no_answer"),
    ("call", "called back", "follow_up"),
    ("whatsapp", "sent the price list on WhatsApp", None),
    ("sms", "sent a reminder", None),
    ("call", "asked what holds it up", "neutral"),
    ("meeting", "met at the office", "positive"),
    ("note", "friendly, knows what they want", None),
)

_KENYA = Theme(
    first=(
        "Achieng", "Akinyi", "Amina", "Anyango", "Atieno", "Barasa", "Brian", "Caroline", "Chebet", "Cheptoo",
        "Collins", "Cynthia", "Daniel", "Dorcas", "Esther", "Faith", "Fatuma", "George", "Grace", "Halima",
        "Hassan", "Irene", "James", "Janet", "John", "Joseph", "Joy", "Kamau", "Kevin", "Kipchoge", "Lilian",
        "Lucy", "Mary", "Mercy", "Moses", "Mwende", "Naomi", "Njeri", "Njoroge", "Nyambura", "Otieno", "Patrick",
        "Paul", "Peter", "Purity", "Rose", "Samuel", "Sharon", "Stephen", "Susan", "Wairimu", "Wambui", "Wanjiku",
        "Zainab",
    ),
    last=(
        "Abdi", "Achieng", "Ali", "Barasa", "Chege", "Cherono", "Cheruiyot", "Gitau", "Hussein", "Kamau",
        "Kariuki", "Kibet", "Kimani", "Kiplagat", "Kiptoo", "Koech", "Maina", "Makau", "Mbugua", "Mohamed",
        "Muthoni", "Mutua", "Mutiso", "Mwangi", "Ndung'u", "Ngugi", "Njeri", "Njoroge", "Nyaga", "Ochieng",
        "Odhiambo", "Okoth", "Omondi", "Onyango", "Otieno", "Ouma", "Rotich", "Wafula", "Wairimu", "Wanyama",
        "Waweru",
    ),
    places=(
        "Westlands, Nairobi", "Kilimani, Nairobi", "Kileleshwa, Nairobi", "Lavington, Nairobi",
        "Parklands, Nairobi", "South B, Nairobi", "South C, Nairobi", "Umoja 1, Nairobi", "Donholm, Nairobi",
        "Buruburu, Nairobi", "Kasarani, Nairobi", "Roysambu, Nairobi", "Githurai 45", "Kahawa West", "Ruaka",
        "Ruiru", "Juja", "Kikuyu", "Rongai", "Syokimau", "Kitengela", "Ngong Road, Nairobi",
    ),
    staff={
        "david": ("David Mutua", "director"), "wanjiku": ("Wanjiku Kamau", "agent"),
        "otieno": ("Brian Otieno", "agent"), "achieng": ("Mercy Achieng", "agent_junior"),
        "kiprop": ("Elijah Kiprop", "technician"),
    },
    agents=(
        {"languages": "English, Swahili"}, {"languages": "English, Luo"}, {"languages": "Swahili", "capacity": "80"},
    ),
    mobile=_kenyan,
    sources={"Caretaker/House Manager": 32, "Field Sales": 25, "Referral": 17, "Website": 12, "WhatsApp/SMS": 9,
             "Manual Entry": 5},
    reasons=(
        "Current provider is unreliable", "Looking for faster speeds", "Too slow in the evening",
        "Works from home now", "Moving into a new flat next month",
        "Neighbours are with us and recommend it", "Fed up with outages every weekend",
        "Children have online classes", "Wants one bill for the shop and the house",
    ),
    remarks=(
        "prefers calls after 5 pm", "the gate is locked, ask for Musa",
        "asked for a discount on installation", "pays by M-Pesa on the 5th", "dog in the compound",
        "wants the router upstairs", "spouse decides", "landlord must agree first", "third floor, no lift",
    ),
    talk=_TALK,
    tags=("vip", "callback", "price-sensitive", "business", "student", "estate-deal"),
    building=("Sunrise Apartments", "Palm Court", "Block", "Jamii Flats", "Green View", "Tulia Heights"),
)  # fmt: skip

_INDIA = Theme(
    first=(
        "Aarav", "Aditi", "Ananya", "Arjun", "Deepak", "Divya", "Farhan", "Geeta", "Ishaan", "Kavya", "Lakshmi",
        "Manoj", "Meera", "Neha", "Nikhil", "Pooja", "Priya", "Rahul", "Rajesh", "Ravi", "Rohan", "Sanjay",
        "Sunita", "Vikram",
    ),
    last=(
        "Agarwal", "Bhat", "Chauhan", "Das", "Desai", "Gupta", "Iyer", "Jain", "Joshi", "Khan", "Kumar", "Mehta",
        "Menon", "Nair", "Patel", "Rao", "Reddy", "Shah", "Sharma", "Singh", "Verma",
    ),
    places=(
        "Andheri, Mumbai", "Bandra, Mumbai", "Koramangala, Bengaluru", "Indiranagar, Bengaluru",
        "Kothrud, Pune", "Salt Lake, Kolkata", "Anna Nagar, Chennai", "Gachibowli, Hyderabad",
        "Navrangpura, Ahmedabad",
    ),
    staff={"meera": ("Meera Nair", "director"), "rahul": ("Rahul Sharma", "agent"), "priya": ("Priya Iyer", "agent"),
           "nikhil": ("Nikhil Das", "agent_junior"), "anita": ("Anita Desai", "collections")},
    agents=({"specializations": "insurance", "languages": "Hindi, English"}, {"languages": "Hindi, Tamil"}),
    mobile=_indian,
    sources={"Website": 34, "Referral": 26, "Facebook": 18, "Google Ads": 14, "Campaign": 8},
    products=(
        ("Term Life 1 crore", "insurance", "14500"), ("Family Floater Health", "insurance", "22000"),
        ("Car Comprehensive", "insurance", "9800"), ("Two-wheeler Third Party", "insurance", "1400"),
    ),
    reasons=(
        "First child was born", "Renewal is due next month", "Compares three offers",
        "Home loan asks for cover",
    ),
    talk=(*_TALK, ("quotation", "sent the quotation", None)),
    building=("Flat", "Tower", "House"),
)  # fmt: skip

_AMERICA = Theme(
    first=(
        "Alice", "Andrew", "Ashley", "Brandon", "Carlos", "Chloe", "David", "Diana", "Ethan", "Grace", "Hannah",
        "Isabel", "Jason", "Karen", "Kevin", "Laura", "Liam", "Maria", "Michael", "Nina", "Olivia", "Peter",
        "Rachel", "Sofia",
    ),
    last=(
        "Adams", "Baker", "Brown", "Chen", "Clark", "Davis", "Diaz", "Evans", "Garcia", "Hughes", "Johnson", "Kim",
        "Lee", "Lopez", "Martin", "Miller", "Nguyen", "Patel", "Rivera", "Smith", "Taylor", "Walker", "Young",
    ),
    places=(
        "Astoria, Queens", "Park Slope, Brooklyn", "Harlem, Manhattan", "Riverdale, Bronx", "Hoboken",
        "Jersey City", "Forest Hills, Queens", "Williamsburg, Brooklyn", "Yonkers",
    ),
    staff={"laura": ("Laura Evans", "director"), "carlos": ("Carlos Diaz", "agent"), "nina": ("Nina Patel", "agent"),
           "ethan": ("Ethan Clark", "agent_junior")},
    agents=(
        {"specializations": "condo, studio", "max_price": "900000"},
        {"specializations": "brownstone, townhouse", "min_price": "600000", "max_price": "3000000"},
        {"capacity": "80"},
    ),
    mobile=_american,
    sources={"Website Forms": 28, "Social Media": 18, "Referrals": 17, "Online Ads": 13, "Open Houses": 12,
             "Walk-ins": 6, "Cold Calls": 4, "Partner Referrals": 2},
    products=(
        ("2BR Condo, Astoria", "property", "685000"), ("Brownstone, Park Slope", "property", "2450000"),
        ("Studio, Harlem", "property", "349000"), ("3BR Townhouse, Hoboken", "property", "1190000"),
    ),
    reasons=(
        "Lease ends this summer", "Needs a second bedroom", "Moving here for work", "Buys to let",
    ),
    talk=(*_TALK, ("site_visit", "showed the property", "positive")),
    building=("Apt", "Unit", "House"),
)  # fmt: skip

_PAKISTAN = Theme(
    first=(
        "Adeel", "Ahmed", "Ali", "Amna", "Ayesha", "Bilal", "Fatima", "Hamza", "Hina", "Imran", "Iqra", "Kamran",
        "Maryam", "Nadia", "Omar", "Rabia", "Saad", "Sana", "Tariq", "Usman", "Yasmin", "Zara",
    ),
    last=(
        "Abbasi", "Ahmed", "Akhtar", "Ali", "Baig", "Butt", "Chaudhry", "Hussain", "Iqbal", "Javed", "Khan",
        "Malik", "Mirza", "Qureshi", "Rana", "Shah", "Sheikh", "Siddiqui",
    ),
    places=(
        "Gulshan, Karachi", "Clifton, Karachi", "DHA, Lahore", "Johar Town, Lahore", "F-10, Islamabad",
        "Saddar, Rawalpindi", "Hayatabad, Peshawar", "Cantt, Multan",
    ),
    staff={"tariq": ("Tariq Malik", "director"), "sana": ("Sana Qureshi", "agent"), "bilal": ("Bilal Khan", "agent"),
           "hina": ("Hina Shah", "collections")},
    mobile=_pakistani,
    sources={"Walk-in": 44, "Referral": 28, "Booking": 16, "Website": 12},
    products=(
        ("Umrah 15 days", "tour", "285000"), ("Umrah Ramadan", "tour", "390000"),
        ("Dubai 5 nights", "tour", "165000"), ("Hunza Valley", "tour", "78000"),
        ("Baku 6 nights", "tour", "210000"),
    ),
    reasons=(
        "Family of five wants to go in December", "Second Umrah", "Honeymoon", "Asks for a payment plan",
    ),
    talk=_TALK,
    building=("House", "Flat"),
)  # fmt: skip

THEMES: Mapping[str, Theme] = {
    "isp": _KENYA, "insurance": _INDIA, "real-estate": _AMERICA, "estate": _AMERICA, "travel": _PAKISTAN,
}  # fmt: skip
ISPS = ("Zuku", "Safaricom Home", "Faiba", "Poa! Internet", "Liquid Home", "Starlink", "Mawingu")
ROUTERS = ("TP-Link Archer C6", "Tenda F3", "MikroTik hAP ac2", "Huawei WS318n", "D-Link DIR-615", "Xiaomi 4A")
