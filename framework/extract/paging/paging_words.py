"""Names that APIs give to what is about pages: flags, links, cursors, totals.

They are compared without case, punctuation and the prefix of an XML namespace (`plain`). A weak
name counts only in an object about paging or in an envelope, not in what looks like a record.
"""

from __future__ import annotations

from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


@lru_cache(maxsize=2000)  # the same names in each response
def plain(name: str) -> str:
    """Return a name without case, punctuation and namespace."""
    return "".join(filter(str.isalnum, name.rpartition(":")[2])).lower()


MORE = words(
    """
    hasmore hasnext hasnextpage hasmorepages hasmoreresults hasmoreitems hasmorerecords
    hasmoredata hasmorepage hasmoreentries hasnextpages moreresults moreavailable moreitems
    moreitemsavailable morerecords morepages morepagesavailable nextpageavailable
    exceededtransferlimit istruncated more truncated
    """
)
"""True: more pages follow; false: this is the last one."""
WEAK_MORE = words("truncated")
"""Of the names above, those that may tell of something else: false is no end beside a next page."""
LAST = words(
    """
    islast islastpage isfinal endofrecords endofresults endofdata lastpage last done
    """
)
"""False: more pages follow; true: this is the last one."""
NEXT = words(
    """
    next nextpage nexturl nextlink nexthref nexturi nextpageurl nextpageuri nextpagelink
    nextrecordsurl odatanextlink nextresults nexttoken nextpagetoken nextcursor
    nextpagecursor nextpageid nextoffset nextpageoffset nextstart nextstartindex nextindex
    nextmarker nextbookmark nextcontinuationtoken nextpagenumber continuationtoken
    continuation continue lastevaluatedkey resumptiontoken nextpagekey nextkey
    nextstartkey nextstarttoken nextpagestart nextstartat nextskip nextfrom nextposition
    nextrecordposition nextpagingtoken nextpaginationtoken nextkeymarker nextsearchafter
    """
)
"""A link, cursor, number or object: more pages follow; null, empty, 0 or false: the last one."""
END_CURSORS = words("endcursor aftercursor lastcursor")
"""The position of a page's last record, beside a flag: the next page's cursor if there is one."""
WEAK_NEXT = words("cursor offset marker bookmark scrollid pagetoken nextcursormark")
"""Texts that may name the next page, or this one."""
TOTAL = words(
    """
    totalcount totalresults totalitems totalrecords totalrows totalelements totalentries
    totalhits totalsize totalobjects totalnumber totalmatches totalresultcount
    totalnumberofitems totalitemcount numfound numbermatched resultstotal counttotal wptotal
    paginationtotal recordstotal recordsfiltered totalrecordcount totalhitcount hitcount nbhits
    totalfeatures totalsetsize totalnum totalnumberofresults numberofrecords numberofresults
    completelistsize filtercount odatacount
    """
)
WEAK_WORDS = words("next last done more continue continuation")
"""Of the names above, those that a record may have too."""
WEAK_TOTAL = words("total count recordcount resultcount itemcount")
PAGES = words(
    """
    totalpages totalpagecount pagecount pagestotal numberofpages numpages pagetotal totalpage
    nbpages
    """
)
WEAK_PAGES = words("pages lastpage maxpage")
NEXT_HEADERS = words(
    "nextpage nextcursor nextpagetoken nexttoken mscontinuation continuationtoken nextoffset"
)
REMAINING = words("remainingitemcount remainingcount remainingitems itemsremaining")
ABOUT_PAGES = words(
    """
    meta metadata paging pagination pageinfo paginginfo paginationinfo paginationmetadata
    page paginator links link resultinfo responsemetadata resultset searchmetadata cursors
    cursor hits info listinfo view resumptiontoken listmetadata
    """
)
"""Names of objects about paging beside the list or above it."""
COMPANIONS = words(
    """
    page pages perpage limit offset size pagesize skip start startat startindex currentpage
    lastpage totalpages from to next prev previous nextpage prevpage hasmore pagenumber
    number itemsperpage maxresults count numberreturned returned previouspage firstpage
    nextcursor nextpagetoken hasnextpage resultsperpage pageindex
    """
)
"""Names beside a `total` that show that it counts the list."""
OF_RECORDS = words(
    """
    id uuid guid currency currencycode amount subtotal tax price name title createdat
    updatedat created updated
    """
)
"""Names that show that an object is a record: its `total` may be money."""
