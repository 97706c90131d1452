const property = (name: string, type: string, reference?: string, format?: string) => ({
  ...{ name, type, description: '' },
  ...(reference === undefined ? {} : { reference }),
  ...(format === undefined ? {} : { format }),
});
const text = (name: string) => property(name, 'string');
const entity = (name: string, ...properties: object[]) => ({
  type: 'object',
  name,
  description: `A ${name}`,
  properties,
});

/** Twelve entities of a shop as the designer describes them: values of every type, objects, lists, maps, one that refers to itself. */
export const shop = {
  imports: [],
  types: [
    entity('Address', text('street'), text('city')),
    entity('Category', text('name'), property('parent', 'object', 'Category')),
    entity('Supplier', text('name'), property('address', 'object', 'Address')),
    entity('Warehouse', text('name'), property('address', 'object', 'Address')),
    entity('Tag', text('name')),
    entity(
      'Product',
      text('name'),
      property('price', 'number'),
      property('inStock', 'boolean'),
      property('category', 'object', 'Category'),
      property('supplier', 'object', 'Supplier'),
      property('tags', 'array', 'Tag'),
      property('stock', 'map', 'Warehouse'),
    ),
    entity(
      'Customer',
      text('firstName'),
      property('born', 'string', undefined, 'date'),
      property('nicknames', 'array', 'string'),
      property('addresses', 'array', 'Address'),
    ),
    entity('OrderLine', property('product', 'object', 'Product'), property('quantity', 'integer')),
    entity(
      'Order',
      property('customer', 'object', 'Customer'),
      property('shipTo', 'object', 'Address'),
      property('lines', 'array', 'OrderLine'),
      property('placed', 'string', undefined, 'date-time'),
    ),
    entity('Invoice', property('order', 'object', 'Order'), property('total', 'number')),
    entity('Payment', property('invoice', 'object', 'Invoice'), property('amount', 'number')),
    entity(
      'Review',
      property('product', 'object', 'Product'),
      property('author', 'object', 'Customer'),
      property('stars', 'integer'),
    ),
  ],
  root: 0,
};
